-- renew.lua - a gateway's new connection: what its former one still brings is refused from here on
-- ARGV: prefix, who it is on this connection, and on each (without what is behind the
-- dot), then of each address that it has: the address, its epoch
local p, lost = ARGV[1], {}
for i = 4, #ARGV, 2 do
	local was = redis.call('HGET', p .. 'epoch', ARGV[i]) or ''
	if string.match(was, '^(.*)%.') == ARGV[i + 1] .. ':' .. ARGV[3] then
		redis.call('HSET', p .. 'epoch', ARGV[i], ARGV[i + 1] .. ':' .. ARGV[2])
	elseif was ~= '' then
		lost[#lost + 1] = ARGV[i]
	end
end
return lost
