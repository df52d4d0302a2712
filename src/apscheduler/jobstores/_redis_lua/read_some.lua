-- ARGV: ids. Returns those of these jobs that are there (see `new_row`).
local blob, pos, ids = ARGV[1], 1, {}
while pos <= #blob do
  ids[#ids + 1], pos = read('>I4c0', blob, pos)
end
local definitions = read_many('HMGET', JOBS, ids)
local times = read_many('ZMSCORE', TIMES, ids)
local revisions = read_many('HMGET', REVISIONS, ids)
for n, id in ipairs(ids) do
  if definitions[n] then
    new_row(id, times[n], revisions[n], 0, definitions[n])
  end
end
return all_rows()
