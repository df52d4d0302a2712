-- ARGV: node, claims. Records their runs, none of them running, where they are not recorded yet.
local claims, ids = read_claims(ARGV[2])
local running = read_many('HMGET', RUNNING, ids)
local new = {}
for n, job in ipairs(ids) do
  for _, run in ipairs(runs_of(claims, n)) do
    if not find(running[n], run[1]) and not logged(job, run[1]) then
      new[#new + 1] = {job, run}
    end
  end
end
local new_id = new_ids(#new)
for _, item in ipairs(new) do
  log(item[1], item[2][1], new_id(), item[2][2], owned(ARGV[1]), item[2][3])
end
write_log()
