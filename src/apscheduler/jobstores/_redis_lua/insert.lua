-- ARGV: channel, sender, rows. Returns for each row whether its id is taken; if none is, all are inserted.
local done = call('GET', DONE)
if done then
  return done
end
local blob, pos, ids, rows = ARGV[3], 1, {}, {}
local scheduled, stamp, proposed, size
while pos <= #blob do
  ids[#ids + 1], scheduled, stamp, proposed, size, pos = read('>I4c0BddI4', blob, pos)
  rows[#rows + 1] = {scheduled == 1, stamp, proposed, sub(blob, pos, pos + size - 1)}
  pos = pos + size
end
local taken, any = {}, false
for n, definition in ipairs(read_many('HMGET', JOBS, ids)) do
  taken[n] = definition and '1' or '0'
  any = any or definition
end
if any then
  return table.concat(taken)
end
local earlier = read_many('HMGET', REVISIONS, ids) -- of jobs that others than we have removed
local least = floor_now() + 1
local definitions, times, revisions, paused = {}, {}, {}, {}
for n, id in ipairs(ids) do
  local row = rows[n]
  definitions[2 * n - 1], definitions[2 * n] = id, row[4]
  revisions[2 * n - 1] = id
  revisions[2 * n] = pack('>I8', math.max(row[3], least, (revision_of(earlier[n]) or -1) + 1))
  if row[1] then
    times[#times + 1] = row[2]
    times[#times + 1] = id
  else
    paused[#paused + 1] = id
  end
end
write_many('HSET', REVISIONS, revisions)
write_many('HSET', JOBS, definitions)
write_many('ZADD', TIMES, times)
write_many('ZREM', TIMES, paused)
if #times > 0 then
  tell(ARGV[1], ARGV[2])
end
return remember(table.concat(taken))
