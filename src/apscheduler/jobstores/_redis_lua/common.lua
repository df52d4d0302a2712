-- What all scripts share: names of the keys, the form of entries and records. Put in front of each of them.
--
-- An *entry* is a run in flight: token (18 bytes), id (8), 1 where a definition is kept for a repetition (1), length of
-- the node's name (2), node. The entries of a job are one after the other, those of a claim together.
-- A *token* is the rest of a run's key: run time (8, in an order of bytes that is that of time), revision (8),
-- attempt (2). A *record* is a run that has ended: length of the job's id (4), id, token, status (1), length of the
-- node's name (2), node, and a tail that only the client reads.
-- Numbers are big-endian. No number is made a text here, because Lua would round it; redis.call() does not.
local JOBS, TIMES, REVISIONS, RUNNING, RUNS, BY_JOB, GROWN = unpack(KEYS, 1, 7)
-- GROWN are the jobs that may have more records than NUMBERS.per_job: those that got one since they were last pruned.
local NUMBERS, NODES, RERUNS, REPEATS = unpack(KEYS, 8, 11)
local STATUS = 11 -- KEYS[STATUS + status] holds the ids of the records with that status, by run time
local DONE = KEYS[18] -- what a call has answered, for its repetition
local INTERRUPTED = 5
local MANY = 1000 -- items in one command: Lua's stack has room for some thousand
local call, sub, byte, char = redis.call, string.sub, string.byte, string.char
local pack, read = struct.pack, struct.unpack

local function write_many(command, key, items)
  for first = 1, #items, MANY do
    call(command, key, unpack(items, first, math.min(first + MANY - 1, #items)))
  end
end

local function read_many(command, key, items)
  if #items > 0 and #items <= MANY then
    return call(command, key, unpack(items))
  end
  local found = {}
  for first = 1, #items, MANY do
    local last = math.min(first + MANY - 1, #items)
    local part = call(command, key, unpack(items, first, last))
    for n = 1, last - first + 1 do
      found[first + n - 1] = part[n]
    end
  end
  return found
end

local function named(job)
  return pack('>I4', #job) .. job
end

-- A revision is kept as eight bytes; nil for one that is missing or not ours.
local function revision_of(bytes)
  return bytes and #bytes == 8 and (read('>I8', bytes)) or nil
end

local function floor_now()
  return tonumber(call('HGET', NUMBERS, 'floor')) or 0
end

local function raise_floor(floor)
  if floor > floor_now() then
    call('HSET', NUMBERS, 'floor', floor)
  end
end

local function time_of(token)
  local first = byte(token)
  if first >= 128 then
    return (read('>d', char(first - 128) .. sub(token, 2, 8)))
  end
  return (read('>d', (sub(token, 1, 8):gsub('.', function(c) return char(255 - byte(c)) end))))
end

-- Return where the entry at `first` ends; nil where there is none, or nothing that is one.
local function end_of(entries, first)
  local high, low = byte(entries, first + 27, first + 28)
  local last = low and first + 28 + high * 256 + low
  return last and last <= #entries and last or nil
end

-- Return entries to add to: none where somebody else has written something there.
local function usable(entries)
  return entries and end_of(entries, 1) and entries or ''
end

local function find(entries, token)
  local first = 1
  local last = entries and end_of(entries, first)
  while last do
    if sub(entries, first, first + 17) == token then
      return first, last
    end
    first = last + 1
    last = end_of(entries, first)
  end
end

-- Return the number of claims that entries are of.
local function live(entries)
  local count, first, claim = 0, 1, nil
  local last = entries and end_of(entries, first)
  while last do
    local this = sub(entries, first + 8, first + 17)
    if this ~= claim then
      count, claim = count + 1, this
    end
    first = last + 1
    last = end_of(entries, first)
  end
  return count
end

-- `owner` is a node after its length.
local function new_entry(token, id, keeps, owner)
  return token .. id .. (keeps and '\1' or '\0') .. owner
end

-- Return id, whether a definition is kept, and node after its length, of an entry.
local function parts(entries, first, last)
  return sub(entries, first + 18, first + 25), byte(entries, first + 26) == 1, sub(entries, first + 27, last)
end

-- Return the size of the job's id in a record; nil where it is none.
local function id_size(record)
  local size = record and #record >= 26 and read('>I4', record)
  return size and size <= #record - 26 and size or nil
end

local function owned(node)
  return pack('>I2', #node) .. node
end

-- Return a function that gives out new ids; as many as were announced.
local function new_ids(count)
  local last = count > 0 and call('HINCRBY', NUMBERS, 'runs', count) or 0
  local next_id = last - count
  return function()
    next_id = next_id + 1
    return pack('>I8', next_id)
  end
end

local new_records, new_places, new_in_status, new_jobs, logs = {}, {}, {}, {}, 0
local last_place, last_time -- because the runs of a batch often have one run time

local function log(job, token, id, status, owner, tail)
  local name, code, place = named(job), char(status), sub(token, 1, 8)
  if place ~= last_place then
    last_place, last_time = place, time_of(token)
  end
  new_records[2 * logs + 1] = id
  new_records[2 * logs + 2] = name .. token .. code .. owner .. tail
  new_places[2 * logs + 1] = '0'
  new_places[2 * logs + 2] = name .. place .. id .. code
  logs = logs + 1
  new_jobs[logs] = job
  local ids = new_in_status[status]
  if not ids then
    ids = {}
    new_in_status[status] = ids
  end
  local size = #ids
  ids[size + 1] = last_time
  ids[size + 2] = id
end

local function write_log()
  write_many('HSET', RUNS, new_records)
  write_many('ZADD', BY_JOB, new_places)
  for status, ids in pairs(new_in_status) do
    write_many('ZADD', KEYS[STATUS + status], ids)
  end
  write_many('SADD', GROWN, new_jobs)
end

-- Return status and node (after its length) of the record with this key, if there is one.
local function logged(job, token)
  local from = named(job) .. sub(token, 1, 8)
  local places = call('ZRANGEBYLEX', BY_JOB, '[' .. from, '[' .. from .. string.rep('\255', 10))
  for _, place in ipairs(places) do
    local record = call('HGET', RUNS, sub(place, #from + 1, #from + 8))
    if record and sub(record, #job + 5, #job + 22) == token then
      local size = read('>I2', record, #job + 24)
      return byte(record, #job + 23), sub(record, #job + 24, #job + 25 + size)
    end
  end
end

-- Have an interrupted run wait for its repetition, where its definition is still kept.
local function to_repeat(job, token)
  local key = named(job) .. token
  if call('HEXISTS', RERUNS, key) == 1 then
    call('ZADD', REPEATS, time_of(token), key)
  end
end

-- Tell the others. Last of all, and its failure is nothing, because a user may lack the permission.
local function tell(channel, sender)
  redis.pcall('PUBLISH', channel, sender)
end

local function remember(answer)
  call('SET', DONE, answer, 'PX', 120000)
  return answer
end
