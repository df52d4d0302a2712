-- ARGV: number of records to keep of each job, most records to remove, most jobs to look at. Returns how many it
-- removed, and how many jobs have grown that it has not looked at.
if redis.replicate_commands then
  redis.replicate_commands() -- because old servers repeat a script on their replicas, and SRANDMEMBER differs there
end
local per_job, left, removed = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
local bound = tonumber(call('HGET', NUMBERS, 'per_job')) or 0
local pruned = {}
for _, job in ipairs(call('SRANDMEMBER', GROWN, ARGV[3])) do
  local from = '[' .. named(job)
  local to = from .. string.rep('\255', 20)
  local surplus = call('ZLEXCOUNT', BY_JOB, from, to) - per_job
  local now = math.min(surplus, left)
  if now > 0 then
    for _, place in ipairs(call('ZRANGEBYLEX', BY_JOB, from, to, 'LIMIT', 0, now)) do
      remove(place)
    end
    left, removed = left - now, removed + now
  end
  if surplus <= now or surplus <= 0 then
    pruned[#pruned + 1] = job
  end
end
if #pruned > 0 and bound < per_job then
  call('HSET', NUMBERS, 'per_job', per_job)
end
write_many('SREM', GROWN, pruned)
return {removed, call('SCARD', GROWN)}
