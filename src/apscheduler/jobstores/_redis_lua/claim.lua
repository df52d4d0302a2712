-- ARGV: node, claims. Returns for each claim whether it is won: '1' or '0'.
local node, blob = owned(ARGV[1]), ARGV[2]
local claims, ids = read_claims(blob)
local revisions = read_many('HMGET', REVISIONS, ids)
local running = read_many('HMGET', RUNNING, ids)
local floor = floor_now()
local answer, won, renewed, total = {}, {}, {}, 0
local NEVER = string.rep('\0', 8)
local stamps = read_many('ZMSCORE', TIMES, ids)

-- Whether this node has won this very claim before: by a run of it that was to start, if any, because only those are
-- taken over, and then all of them at once.
local function won_before(n)
  local runs, entries = runs_of(claims, n), running[n]
  local first = runs[1]
  for _, run in ipairs(runs) do
    if run[2] == 0 then
      first = run
      break
    end
  end
  if not first then
    return false
  end
  local from, to = find(entries, first[1])
  if from then
    local _, _, owner = parts(entries, from, to)
    return owner == node
  end
  local status, owner = logged(ids[n], first[1])
  return owner == node and status ~= INTERRUPTED
end

for n, id in ipairs(ids) do
  local known = revisions[n] and #revisions[n] == 8 and revisions[n]
  local same = stamps[n] and claims.revisions[n] == (known or NEVER)
  if same and (known or floor == 0) then
    won[n] = true
    total = total + claims.counts[n]
  elseif same then
    -- Added by 3.x, maybe under the id of a job that is gone: it is due again at once, under a revision that was never
    -- used.
    renewed[#renewed + 1] = id
    renewed[#renewed + 1] = pack('>I8', floor + 1)
  end
  answer[n] = (won[n] or (not same and won_before(n))) and '1' or '0'
end

local new_id = new_ids(total)
local started, kept, removed, moved, times, redefined = {}, {}, {}, renewed, {}, {}

-- Makes the records of the runs of a claim, and returns the entries of its job.
local function start_runs(n)
  local entries, pos = {usable(running[n])}, runs_at(claims, n)
  local keeps = claims.kept[n] > 0
  local token, status, tail
  for _ = 1, claims.counts[n] do
    token, status, tail, pos = read('>c18BI4c0', blob, pos)
    if status ~= 0 then
      log(ids[n], token, new_id(), status, node, tail)
    else
      entries[#entries + 1] = new_entry(token, new_id(), keeps, node)
      if keeps then
        local from = claims.places[n] + claims.sizes[n]
        kept[#kept + 1] = named(ids[n]) .. token
        kept[#kept + 1] = sub(blob, from, from + claims.kept[n] - 1)
      end
    end
  end
  return #entries == 2 and entries[1] .. entries[2] or table.concat(entries)
end

for n, id in ipairs(ids) do
  if won[n] then
    local entries = start_runs(n)
    if entries ~= '' and entries ~= running[n] then
      started[#started + 1] = id
      started[#started + 1] = entries
    end
    if claims.kinds[n] == 0 then
      removed[#removed + 1] = id
      floor = math.max(floor, (read('>I8', claims.revisions[n])))
    else
      moved[#moved + 1] = id
      moved[#moved + 1] = claims.next_revisions[n]
      times[#times + 1] = claims.times[n]
      times[#times + 1] = id
      if claims.kinds[n] == 2 then
        redefined[#redefined + 1] = id
        redefined[#redefined + 1] = sub(blob, claims.places[n], claims.places[n] + claims.sizes[n] - 1)
      end
    end
  end
end
write_log()
write_many('HSET', RUNNING, started)
write_many('HSET', RERUNS, kept)
write_many('HSET', REVISIONS, moved)
write_many('HSET', JOBS, redefined)
write_many('ZADD', TIMES, times)
if #removed > 0 then
  raise_floor(floor)
  write_many('HDEL', JOBS, removed)
  write_many('HDEL', REVISIONS, removed)
  write_many('ZREM', TIMES, removed)
end
return table.concat(answer)
