-- ARGV: most jobs to return. Returns all jobs, in no order (see `new_row`); nothing where there are more.
if call('HLEN', JOBS) > tonumber(ARGV[1]) then
  return false
end
local times, revisions = {}, {}
local found = call('ZRANGE', TIMES, 0, -1, 'WITHSCORES')
for n = 1, #found, 2 do
  times[found[n]] = found[n + 1]
end
found = call('HGETALL', REVISIONS)
for n = 1, #found, 2 do
  revisions[found[n]] = found[n + 1]
end
found = call('HGETALL', JOBS)
for n = 1, #found, 2 do
  local id = found[n]
  new_row(id, times[id], revisions[id], 0, found[n + 1])
end
return all_rows()
