-- ARGV: '1' for all jobs, else '0' and ids. Returns how many there were.
local done = call('GET', DONE)
if done then
  return done
end
local function forget_reruns(is_removed)
  for _, key in ipairs(call('HKEYS', RERUNS)) do
    if is_removed(read('>I4c0', key)) then
      call('HDEL', RERUNS, key)
      call('ZREM', REPEATS, key)
    end
  end
end
if ARGV[1] == '1' then
  local floor = 1
  for _, revision in ipairs(call('HVALS', REVISIONS)) do
    floor = math.max(floor, revision_of(revision) or 0)
  end
  local count = call('HLEN', JOBS)
  raise_floor(floor)
  call('DEL', JOBS, TIMES, REVISIONS, RERUNS, REPEATS)
  return remember(tostring(count))
end
local ids, removed, blob, pos, id = {}, {}, ARGV[2], 1, nil
while pos <= #blob do
  id, pos = read('>I4c0', blob, pos)
  ids[#ids + 1] = id
  removed[id] = true
end
local floor, count = 1, 0
for _, revision in ipairs(read_many('HMGET', REVISIONS, ids)) do
  floor = math.max(floor, revision_of(revision) or 0)
end
raise_floor(floor)
for first = 1, #ids, MANY do
  local last = math.min(first + MANY - 1, #ids)
  count = count + call('HDEL', JOBS, unpack(ids, first, last))
end
write_many('ZREM', TIMES, ids)
write_many('HDEL', REVISIONS, ids)
forget_reruns(function(job) return removed[job] end)
return remember(tostring(count))
