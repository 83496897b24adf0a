// Node's clients and servers of HTTP/1.1 and HTTP/2 at a port whose requests an agent splits.
//
// split_node.js AGENT ORIGIN HOST ROUNDS VERSION: starts servers of HTTP/1.1 or HTTP/2 (VERSION 1 or 2) at ORIGIN and
// HOST, sends requests with and without the header x-devtunnel: alice to AGENT, and prints what came of them as JSON.
'use strict';
const crypto = require('crypto');
const http = require('http');
const http2 = require('http2');

const [agent, origin, host, rounds, version] = process.argv.slice(2);
const result = { requests: 0, host: 0, errors: [] };
const hash = (data) => crypto.createHash('sha256').update(data).digest('hex');

function serve(name, where) {
  const answer = (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const size = Number(request.headers['x-size'] || 0);
      response.setHeader('x-from', name);
      response.setHeader('x-hash', hash(Buffer.concat(parts)));
      response.setHeader('trailer', 'x-end');
      response.write(Buffer.alloc(size, name));
      response.addTrailers({ 'x-end': request.url });
      response.end();
    });
  };
  const server = version === '2' ? http2.createServer(answer) : http.createServer({ keepAliveTimeout: 0 }, answer);
  const [address, port] = where.split(':');
  return new Promise((resolve) => server.listen(Number(port), address, resolve));
}

function check(kind, number, mark, size, body, headers, got, trailer) {
  result.requests++;
  const name = mark ? 'host' : 'origin';
  if (mark) result.host++;
  const wanted = Buffer.alloc(size, name);
  const right = headers['x-from'] === name && headers['x-hash'] === hash(body) && got.equals(wanted);
  if (!right || trailer !== `/${number}`) {
    result.errors.push(`${kind} ${number}: ${headers['x-from']}, ${got.length} bytes of ${size}, trailer ${trailer}`);
  }
}

const plan = (number) => ({
  mark: number % 3 === 0,
  size: [0, 10, 5000, 200000][number % 4],
  body: Buffer.alloc([0, 1, 30000, 300000][(number >> 2) % 4], 'b'),
});

function one(kind, number, send) {
  return new Promise((resolve) => {
    const { mark, size, body } = plan(number);
    const headers = { 'x-size': String(size) };
    if (mark) headers['x-devtunnel'] = 'alice';
    send({ number, headers, body }, (error, answer) => {
      if (error) result.errors.push(`${kind} ${number}: ${error}`);
      else check(kind, number, mark, size, body, ...answer);
      resolve();
    });
  });
}

async function first() {
  // Few sockets, so that each has requests of both kinds.
  const sockets = new http.Agent({ keepAlive: true, maxSockets: 3 });
  const [name, port] = agent.split(':');
  const send = ({ number, headers, body }, done) => {
    const method = body.length ? 'POST' : 'GET';
    const request = http.request({ agent: sockets, host: name, port, path: `/${number}`, method, headers });
    request.on('error', done);
    request.on('response', (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', done);
      response.on('end', () => done(null, [response.headers, Buffer.concat(parts), response.trailers['x-end']]));
    });
    request.end(body);
  };
  const all = [];
  for (let number = 0; number < rounds; number++) all.push(one('HTTP/1.1', number, send));
  await Promise.all(all);
  sockets.destroy();
}

async function second() {
  const session = http2.connect(`http://${agent}`);
  session.on('error', (error) => result.errors.push(`HTTP/2: ${error}`));
  const send = ({ number, headers, body }, done) => {
    const method = body.length ? 'POST' : 'GET';
    const stream = session.request({ ':path': `/${number}`, ':method': method, ...headers });
    const parts = [];
    let head = {}, trailers = {};
    stream.on('response', (received) => (head = received));
    stream.on('trailers', (received) => (trailers = received));
    stream.on('data', (part) => parts.push(part));
    stream.on('error', done);
    stream.on('end', () => done(null, [head, Buffer.concat(parts), trailers['x-end']]));
    // The stream of a GET has ended with its head.
    if (body.length) stream.end(body);
  };
  for (let begin = 0; begin < rounds; begin += 50) {
    const all = [];
    for (let number = begin; number < Math.min(begin + 50, rounds); number++) all.push(one('HTTP/2', number, send));
    await Promise.all(all);
  }
  await new Promise((resolve) => session.close(resolve));
}

(async () => {
  await Promise.all([serve('origin', origin), serve('host', host)]);
  await (version === '2' ? second() : first());
  console.log(JSON.stringify(result));
  process.exit(0);
})();
