// The usual Node way: `ws`, and ioredis with auto pipelining, one Redis call for each claim.
//
//   node server.mjs PORT REDIS_URL FUNCTION TAG EPOCH
//
// The n-th connection is the n-th member of a room that the benchmark has joined and opened; what is
// called is the game server's own library in Redis, with one command in each call, and the answer carries
// the same fields, the signed receipt among them. Drops are not derived and frames not checked.
import { createHmac } from 'node:crypto'
import Redis from 'ioredis'
import { pack, unpack } from 'msgpackr'
import { WebSocketServer } from 'ws'

const [port, url, fn, tag, epoch] = process.argv.slice(2)
const PACKET = 1
const FOREVER_MS = 2 ** 52
const redis = new Redis(url.replace('unix://', ''), { enableAutoPipelining: true })
await redis.ping()

let connections = 0

function receipt(member, session, ref, [prize, unit, amount, epoch]) {
  const grant = `${tag}|${prize}|${unit}|${amount}|${member}|${session}|${ref}|${epoch}`
  return createHmac('sha256', 'benchmark').update(grant).digest('hex').slice(0, 32)
}

function answer(member, session, ref, [done, body, grants]) {
  if (!done) return { ev: 'refused', re: ref, code: body }
  const [drop, , sum, score] = body
  const [prize, unit, amount] = grants[0]
  const signed = receipt(member, session, ref, grants[0])
  return { ev: 'grabbed', re: ref, drop, kind: 'packet', sum, score, amount, prize, unit, receipt: signed }
}

new WebSocketServer({ port: Number(port), host: '127.0.0.1', perMessageDeflate: false, backlog: 4096 }).on(
  'connection',
  (socket) => {
    const number = ++connections
    const member = 'm' + number.toString(16).padStart(10, '0')
    const session = `s${epoch}-${number}`
    socket.on('message', async (frame) => {
      const { ref, drop } = JSON.parse(frame)
      const grab = [member, session, ref, 'grab', false, 0, drop, PACKET, 0, FOREVER_MS]
      const reply = await redis.fcallBuffer(fn, 1, tag, pack([Number(epoch), [], [member], [grab.length, ...grab]]))
      socket.send(JSON.stringify(answer(member, session, ref, unpack(reply)[2][0])))
    })
  },
)
