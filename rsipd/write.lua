-- write.lua - what a gateway did, all of it or nothing: it counts under the newest epoch of its address only
-- ARGV: prefix, who writes, length of the log, Na, how many epochs, each an
-- address and a token, then of each change: kind, address, key, milliseconds that
-- it is kept, record.  Kinds: C registration, D it ended, G grant, F it was freed;
-- d and f: by its host, which is so whoever has the address by now.
local call, argv, count = redis.call, ARGV, #ARGV
local p, by, na, n = argv[1], argv[2], argv[4], tonumber(argv[5])
local ours, first, asked = {}, 6 + 2 * n, {d = 'D', f = 'F'}
for i = 6, 5 + 2 * n, 2 do
	ours[argv[i]] = call('HGET', p .. 'epoch', argv[i]) == argv[i + 1]
end
for i = first, count, 5 do
	local kind = argv[i]
	if (kind == 'G' or kind == 'C') and not (ours[argv[i + 1]] and ours[na]) then
		return {0, ours[na] and argv[i + 1] or na}
	end
end
local entry = {'XADD', p .. 'log', 'MAXLEN', '~', argv[3], '*', 'n', 0, 'by', by}
local len, said, told = #entry, {1}, {}
-- What is freed rests together, and goes together: most calls are of grants.
local gone, ngone, rest, nrest, ms = {'DEL'}, 1, {'HSET', ''}, 2, 0
for i = first, count, 5 do
	local kind, key, record = argv[i], argv[i + 2], argv[i + 4]
	local name, mine = p .. key, ours[argv[i + 1]]
	-- Who lost an address has nothing to say of it any more, and is told so:
	-- what it took for ended goes on.
	if not mine and not told[argv[i + 1]] then
		told[argv[i + 1]] = true
		said[#said + 1] = argv[i + 1]
	end
	if asked[kind] then
		mine = mine or call('HGET', name, 'k') == (kind == 'f' and 'G' or 'C')
		kind = asked[kind]
	end
	if mine then
		if kind == 'G' or kind == 'C' then
			call('HSET', name, 'k', kind, 'r', record)
			call('PEXPIRE', name, argv[i + 3])
		else
			ngone = ngone + 1
			gone[ngone] = name
			if kind == 'F' then
				rest[nrest + 1], rest[nrest + 2] = key, record
				nrest, ms, record = nrest + 2, argv[i + 3], ''
			end
		end
		entry[len + 1], entry[len + 2] = kind .. key, record
		len = len + 2
	end
end
if ngone > 1 then
	call(unpack(gone))
end
if len > 10 then
	entry[8] = call('INCR', p .. 'seq')
	call(unpack(entry))
	if nrest > 2 then
		rest[2] = p .. 'f:' .. entry[8]
		call(unpack(rest))
		call('PEXPIRE', rest[2], ms)
	end
end
return said
