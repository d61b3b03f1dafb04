-- page.lua - some of the registrations (c), of the bindings (g) or of what was freed (f), and where to go on
-- ARGV: prefix, c, g or f, cursor, how many about
local p = ARGV[1]
local page = redis.call('SCAN', ARGV[3], 'MATCH', p .. ARGV[2] .. ':*',
    'COUNT', ARGV[4])
local out = {page[1]}
local function add(kind, key, record)
	local n = #out
	out[n + 1], out[n + 2], out[n + 3] = kind, key, record
end
for _, key in ipairs(page[2]) do
	if ARGV[2] == 'f' then
		local all = redis.call('HGETALL', key)
		for i = 1, #all, 2 do
			add('F', all[i], all[i + 1])
		end
	else
		local v = redis.call('HMGET', key, 'k', 'r')
		if v[1] and v[2] then
			add(v[1], string.sub(key, #p + 1), v[2])
		end
	end
end
return out
