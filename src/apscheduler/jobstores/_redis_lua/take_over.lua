-- ARGV: node, tail of the records. Returns the runs that are now interrupted: id, id of the job, token.
local done = call('GET', DONE)
if done then
  return done
end
local node, taken, changed, ended = owned(ARGV[1]), {}, {}, {}
local found = call('HGETALL', RUNNING)
for n = 1, #found, 2 do
  local job, entries, kept, first = found[n], found[n + 1], {}, 1
  local last = end_of(entries, first)
  while last do
    local id, keeps, owner = parts(entries, first, last)
    if owner == node then
      local token = sub(entries, first, first + 17)
      log(job, token, id, INTERRUPTED, node, ARGV[2])
      taken[#taken + 1] = id .. named(job) .. token
      if keeps then
        to_repeat(job, token)
      end
    else
      kept[#kept + 1] = sub(entries, first, last)
    end
    first = last + 1
    last = end_of(entries, first)
  end
  local left = table.concat(kept)
  if left == '' then
    ended[#ended + 1] = job
  elseif left ~= entries then
    changed[#changed + 1] = job
    changed[#changed + 1] = left
  end
end
write_log()
write_many('HDEL', RUNNING, ended)
write_many('HSET', RUNNING, changed)
call('HDEL', NODES, ARGV[1])
return remember(table.concat(taken))
