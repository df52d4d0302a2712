-- ARGV: '1' to keep records, outcomes. Each: id of the job, token, status, tail.
local keep, blob, pos, count = ARGV[1] == '1', ARGV[2], 1, 0
local of_job, tokens, statuses, tails, ids, known = {}, {}, {}, {}, {}, {}
while pos <= #blob do
  count = count + 1
  local job
  job, tokens[count], statuses[count], tails[count], pos = read('>I4c0c18BI4c0', blob, pos)
  local n = known[job]
  if not n then
    n = #ids + 1
    ids[n] = job
    known[job] = n
  end
  of_job[count] = n
end
local running, changed = read_many('HMGET', RUNNING, ids), {}
local dropped, repeated, places = {}, {}, {}

-- Return where the entry with this token is. Of a job with many runs in flight all are looked at once.
local function place_of(n, token)
  local entries = running[n]
  local last = entries and end_of(entries, 1)
  if last == #(entries or '') then
    return sub(entries, 1, 18) == token and 1 or nil, last
  end
  if last and not places[n] then
    local found, first = {}, 1
    while last do
      found[sub(entries, first, first + 17)] = {first, last}
      first = last + 1
      last = end_of(entries, first)
    end
    places[n] = found
  end
  local place = places[n] and places[n][token]
  if place then
    return place[1], place[2]
  end
end

-- Return the entries of a job without those that have ended.
local function left_of(n)
  if not places[n] then
    return ''
  end
  local left = {}
  for _, place in pairs(places[n]) do
    left[#left + 1] = place
  end
  table.sort(left, function(a, b) return a[1] < b[1] end)
  for m, place in ipairs(left) do
    left[m] = sub(running[n], place[1], place[2])
  end
  return table.concat(left)
end

for m = 1, count do
  local n, token, status = of_job[m], tokens[m], statuses[m]
  local job, entries = ids[n], running[n]
  local first, last = place_of(n, token)
  if first then
    local id, keeps, owner = parts(entries, first, last)
    if places[n] then
      places[n][token] = nil
    else
      running[n] = false
    end
    changed[n] = true
    if keep then
      log(job, token, id, status, owner, tails[m])
    end
    if keeps then
      local list = (keep and status == INTERRUPTED) and repeated or dropped
      list[#list + 1] = {job, token}
    end
  end
end
write_log()
for _, run in ipairs(repeated) do
  to_repeat(run[1], run[2])
end
for _, run in ipairs(dropped) do
  call('HDEL', RERUNS, named(run[1]) .. run[2])
end
local ended, left = {}, {}
for n, job in ipairs(ids) do
  local entries = changed[n] and left_of(n)
  if entries == '' then
    ended[#ended + 1] = job
  elseif entries then
    left[#left + 1] = job
    left[#left + 1] = entries
  end
end
write_many('HDEL', RUNNING, ended)
write_many('HSET', RUNNING, left)
