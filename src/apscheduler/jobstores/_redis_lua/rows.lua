-- Jobs as they are returned; put in front of the scripts that read some.
--
-- Each: live claims, sizes of next run time, id and definition; revision (0 where there is none), next run time (empty
-- where there is none), id, definition. They are returned in parts of some rows, because Lua takes long over one text
-- of all of them.
local rows, count, chunks = {}, 0, {}
local NO_REVISION = string.rep('\0', 8)

local function new_row(id, time, revision, live_claims, definition)
  time = time or ''
  rows[count + 1] = pack('>I4I4I4I4', live_claims, #time, #id, #definition)
  rows[count + 2] = revision and #revision == 8 and revision or NO_REVISION
  rows[count + 3] = time
  rows[count + 4] = id
  rows[count + 5] = definition
  count = count + 5
  if count >= 50 then
    chunks[#chunks + 1] = table.concat(rows, '', 1, count)
    count = 0
  end
end

local function all_rows()
  chunks[#chunks + 1] = table.concat(rows, '', 1, count)
  return chunks
end
