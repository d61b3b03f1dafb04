// page.js - asks the daemon again and again, and shows what it says. Names in it come
// from strangers: they become text, never markup.
'use strict';

const EVERY = 2000, KEPT = 150, TITLES = {
	leases: ['Who is here', 'nobody has a lease'],
	flows: ['Flows', 'nothing was forwarded'],
	spd: ['What each flow is, and why', 'no traffic so far'],
	sa: ['Security associations', 'no keys with anybody'],
};
const SVG = 'http://www.w3.org/2000/svg';
const token = location.hash.slice(1);
const seen = [];
const $ = (id) => document.getElementById(id);

function element(name, text, kind) {
	const e = document.createElement(name);
	if (text !== undefined) e.textContent = text;
	if (kind) e.className = kind;
	return e;
}

function bytes(n) {
	const units = ['', 'k', 'M', 'G', 'T'];
	let u = 0;
	for (; n >= 1000 && u + 1 < units.length; u++) n /= 1000;
	return (u && n < 100 ? n.toFixed(1) : Math.round(n)) + units[u];
}

function seconds(s) {
	s = Math.round(s);
	if (s < 60) return s + 's';
	if (s < 3600) return Math.floor(s / 60) + 'm' + (s % 60) + 's';
	if (s < 86400) return Math.floor(s / 3600) + 'h' + Math.floor(s / 60 % 60) + 'm';
	return Math.floor(s / 86400) + 'd' + Math.floor(s / 3600 % 24) + 'h';
}

function written(value, column) {
	if (value === undefined || value === null) return '';
	if (Array.isArray(value))
		return value.slice(0, 3).join(', ') +
		    (value.length > 3 ? ', +' + (value.length - 3) : '');
	if (typeof value === 'boolean') return value ? 'yes' : 'no';
	if (typeof value !== 'number') return String(value);
	return column.unit === 'seconds' ? seconds(value) :
	    column.unit === 'bytes' ? bytes(value) : String(value);
}

// --- traffic --------------------------------------------------------------------

function at(o, path) {
	return path.split('.').reduce((v, key) => v && v[key], o) || 0;
}

// What counts up, by daemon: [name, unit, paths of which the sum is meant].
const SERIES = {
	rsipd: [['to hosts', 'B/s', ['dataplane.bytes_in', 'dataplane.offloaded_bytes_in']],
		['from hosts', 'B/s', ['dataplane.bytes_out', 'dataplane.offloaded_bytes_out']],
		['between hosts', 'B/s', ['dataplane.bytes_between_hosts']]],
	rsipc: [['ESP in', 'packets/s', ['oe.packets.esp_in']],
		['ESP out', 'packets/s', ['oe.packets.esp_out']],
		['clear out', 'packets/s', ['oe.packets.clear_out']]],
	oed: [['ESP in', 'packets/s', ['packets.esp_in']],
		['ESP out', 'packets/s', ['packets.esp_out']],
		['clear out', 'packets/s', ['packets.clear_out']]],
};

function remember(said) {
	const sums = (SERIES[said.daemon] || []).map((s) =>
	    s[2].reduce((sum, path) => sum + at(said.status, path), 0));
	seen.push({ when: performance.now(), sums });
	if (seen.length > KEPT) seen.shift();
}

// Rates between two looks; a daemon that was started again begins anew.
function rates(i) {
	const out = [];
	for (let k = 1; k < seen.length; k++) {
		const by = seen[k].sums[i] - seen[k - 1].sums[i];
		out.push(Math.max(0, by) * 1000 /
		    Math.max(1, seen[k].when - seen[k - 1].when));
	}
	return out;
}

function draw(daemon) {
	const all = (SERIES[daemon] || []).map((s, i) => [s, rates(i)]);
	const top = Math.max(1, ...all.flatMap((s) => s[1]));
	$('plot').replaceChildren(...all.map(([, rate], i) => {
		const line = document.createElementNS(SVG, 'polyline');
		line.setAttribute('class', 's' + i);
		line.setAttribute('points', rate.map((r, k) =>
		    (600 - (rate.length - 1 - k) * 600 / (KEPT - 2)).toFixed(1) + ',' +
		    (135 - 130 * r / top).toFixed(1)).join(' '));
		return line;
	}));
	$('legend').replaceChildren(...all.map(([s, rate], i) =>
	    element('li', s[0] + ': ' + bytes(rate.at(-1) || 0) + ' ' + s[1], 's' + i)));
}

// --- tables ----------------------------------------------------------------------

function table(name, said) {
	const section = element('section'), box = element('div', undefined, 'wide');
	const [title, nothing] = TITLES[name] || [name, 'nothing'];
	const columns = said.columns.filter((c) => !c.wide && said.rows.some(
	    (row) => written(row[c.key], c) !== ''));
	section.append(element('h2', title));
	if (said.rows.length === 0) {
		section.append(element('p', nothing, 'note'));
		return section;
	}
	const t = element('table'), head = element('tr'), body = element('tbody');
	const numeric = (c) => ['counter', 'gauge', 'number'].includes(c.type) ? 'n' : '';
	columns.forEach((c) => head.append(
	    element('th', c.key.replaceAll('_', ' '), numeric(c))));
	said.rows.forEach((row) => {
		const tr = element('tr');
		columns.forEach((c) => {
			const td = element('td', written(row[c.key], c), numeric(c));
			td.dataset.key = c.key.replaceAll('_', ' ');
			if (c.key === 'policy' && ['encrypt', 'deny'].includes(row.policy))
				td.className = row.policy;
			tr.append(td);
		});
		body.append(tr);
	});
	t.append(element('thead'), body);
	t.tHead.append(head);
	box.append(t);
	section.append(box);
	if (said.more) section.append(element('p', 'and ' + said.more + ' more', 'note'));
	return section;
}

function counters(o, prefix, out) {
	for (const [key, value] of Object.entries(o)) {
		if (key === 'le' || key === 'verdict') continue;
		if (value && typeof value === 'object' && !Array.isArray(value)) {
			counters(value, prefix + key + '.', out);
			continue;
		}
		const line = element('div');
		line.append(element('dt', prefix + key), element('dd', written(value, {})));
		out.push(line);
	}
	return out;
}

// --- again and again ----------------------------------------------------------------

function show(said) {
	const s = said.status;
	document.title = said.daemon + ': ' + s.verdict;
	$('daemon').textContent = said.daemon + ' ' + s.version;
	$('verdict').textContent = s.verdict;
	$('verdict').className = '';
	remember(said);
	draw(said.daemon);
	const order = Object.keys(TITLES);
	$('tables').replaceChildren(...Object.entries(said.tables || {}).sort(
	    ([a], [b]) => order.indexOf(a) - order.indexOf(b)).map(
	    ([name, t]) => table(name, t)));
	$('locked').hidden = said.tables !== undefined;
	$('counters').replaceChildren(...counters(s, '', []));
	$('when').textContent = 'Up ' + seconds(s.uptime) + '.';
}

async function look() {
	try {
		const r = await fetch('/status.json', { cache: 'no-store',
			headers: token ? { Authorization: 'Bearer ' + token } : {} });
		if (!r.ok) throw new Error(r.status === 401 ? 'the token is not the daemon\'s' :
		    'the daemon answers ' + r.status);
		show(await r.json());
	} catch (e) {
		$('verdict').textContent = e instanceof TypeError ?
		    'the daemon does not answer' : e.message;
		$('verdict').className = 'bad';
	}
	setTimeout(look, EVERY);
}

addEventListener('hashchange', () => location.reload());
look();
