-- page.lua - some of the registrations (c) or of the bindings (g), and where to go on
-- ARGV: prefix, c or g, cursor, how many about
local p = ARGV[1]
local page = redis.call('SCAN', ARGV[3], 'MATCH', p .. ARGV[2] .. ':*',
    'COUNT', ARGV[4])
local out = {page[1]}
for _, key in ipairs(page[2]) do
	local v = redis.call('HMGET', key, 'k', 'r', 'h')
	if v[1] and v[2] then
		local n = #out
		out[n + 1] = v[1]
		out[n + 2] = string.sub(key, #p + 1)
		out[n + 3] = v[2]
		out[n + 4] = v[3] or ''
	end
end
return out
