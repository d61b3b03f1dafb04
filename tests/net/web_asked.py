"""web_asked.py - what a page asked for, by the browser's own log of it

usage: web_asked.py NETLOG ADDRESS:PORT

Status 0 if it asked for nothing of other hosts, and for its numbers more than once.
"""
import json
import re
import sys
from urllib.parse import urlsplit

text = open(sys.argv[1]).read()
try:
    log = json.loads(text)
except ValueError:                  # a browser that ends at once leaves its end away
    log = json.loads(text.rstrip().rstrip(',') + ']}')
kinds = {n: name for name, n in log['constants']['logEventTypes'].items()}
asked = [e['params']['url'] for e in log['events']
         if kinds.get(e['type']) == 'URL_REQUEST_START_JOB' and 'url' in e.get('params', {})]
asked = [url for url in asked if re.match('(http|ws)s?:', url)]
# The browser's own business: its maker's servers, which are not there.
own = re.compile(r'(\.|^)(google|googleapis|gstatic|gvt1|chromium)\.(com|org)$')
foreign = [url for url in asked
           if urlsplit(url).netloc != sys.argv[2] and not own.search(urlsplit(url).hostname)]
numbers = sum(urlsplit(url).path == '/status.json' for url in asked)
if foreign:
    sys.exit('the page asked for %s' % foreign[:5])
if numbers < 2:
    sys.exit('the page asked for its numbers %d times: %s' % (numbers, asked[:9]))
print('it asked for its numbers %d times, and for nothing of another host' % numbers)
