-- ARGV: number of records to keep of each job, place to go on from ('' at the beginning). Where fewer are to be kept
-- than before, has the jobs that have records looked at, some hundred at once; returns where to go on ('' at the end).
local per_job, place = tonumber(ARGV[1]), ARGV[2]
local bound = tonumber(call('HGET', NUMBERS, 'per_job'))
if not bound or per_job >= bound then
  return ''
end
for _ = 1, 500 do
  local next_place = call('ZRANGEBYLEX', BY_JOB, place == '' and '-' or '(' .. place, '+', 'LIMIT', 0, 1)[1]
  if not next_place then
    call('HSET', NUMBERS, 'per_job', per_job)
    return ''
  end
  local job = read('>I4c0', next_place)
  call('SADD', GROWN, job)
  place = named(job) .. string.rep('\255', 20)
end
return place
