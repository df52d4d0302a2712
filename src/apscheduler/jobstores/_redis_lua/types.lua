-- Returns the type of each key.
local types = {}
for n, key in ipairs(KEYS) do
  types[n] = call('TYPE', key).ok
end
return types
