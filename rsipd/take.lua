-- take.lua - a new epoch of each address: from here on only this gateway grants from it
-- ARGV: prefix, who takes, length of the log, addresses
local p, by = ARGV[1], ARGV[2]
local entry = {'XADD', p .. 'log', 'MAXLEN', '~', ARGV[3], '*',
    'n', redis.call('INCR', p .. 'seq'), 'by', by}
local out = {}
for i = 4, #ARGV do
	local was = redis.call('HGET', p .. 'epoch', ARGV[i]) or '0'
	local n = string.format('%d', tonumber(string.match(was, '^%d+')) + 1)
	redis.call('HSET', p .. 'epoch', ARGV[i], n .. ':' .. by)
	entry[#entry + 1] = 'T' .. ARGV[i]
	entry[#entry + 1] = n
	out[#out + 1] = n
end
redis.call(unpack(entry))
return out
