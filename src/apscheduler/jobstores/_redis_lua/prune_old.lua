-- ARGV: before, most records to remove. Returns how many it removed.
local left, removed = tonumber(ARGV[2]), 0
for status = 1, 6 do
  local key = KEYS[STATUS + status]
  local ids = left > 0 and call('ZRANGEBYSCORE', key, '-inf', '(' .. ARGV[1], 'LIMIT', 0, left) or {}
  for n, record in ipairs(read_many('HMGET', RUNS, ids)) do
    local size = id_size(record)
    if size then
      remove(sub(record, 1, 12 + size) .. ids[n] .. char(status))
    else -- not one of ours; its place goes when its job has too many
      call('HDEL', RUNS, ids[n])
      call('ZREM', key, ids[n])
    end
  end
  left, removed = left - #ids, removed + #ids
end
return removed
