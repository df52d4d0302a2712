-- Removes records; put in front of the scripts that prune.
--
-- Removes the one whose place in the order of its job is given.
local function remove(place)
  local size = #place
  local id, status = sub(place, size - 8, size - 1), byte(place, size)
  if status == INTERRUPTED then
    local record = call('HGET', RUNS, id)
    local length = id_size(record)
    if length then
      local key = sub(record, 1, 22 + length)
      call('HDEL', RERUNS, key)
      call('ZREM', REPEATS, key)
    end
  end
  call('HDEL', RUNS, id)
  call('ZREM', KEYS[STATUS + status], id)
  call('ZREM', BY_JOB, place)
end
