// The same service on Node with jose, for comparison: `cargo dev bench --peer`. Never deployed.
//
// The requests of the measurement get the same routes, checks, claims, headers and log lines as from the component. What
// they do not use (/healthz, POST, credentials, checks of parameters) is left out, in the peer's favour.
// Like the component, it reads its configuration from SPIN_VARIABLE_…; unlike the component, it imports the key only once.
//
// node server.mjs PORT

import { createServer } from 'node:http'
import { SignJWT, importPKCS8 } from 'jose'

const variable = (name, otherwise) => process.env[`SPIN_VARIABLE_${name.toUpperCase()}`] ?? otherwise
const appId = variable('jaas_app_id')
const keyId = variable('jaas_key_id')
const key = await importPKCS8(variable('jaas_private_key'), 'RS256')

const allowedOrigins = new Set([
  'https://vtaiwan.pages.dev', 'http://localhost:3000', 'http://localhost:3001', 'http://localhost:8080',
  'https://vtaiwan.tw', 'https://www.vtaiwan.tw', 'https://talk.vtaiwan.tw',
])
const moderatorFeatures = new Set(['livestreaming', 'outbound-call'])
const features = [
  'livestreaming', 'recording', 'transcription', 'sip-inbound-call', 'sip-outbound-call', 'inbound-call',
  'outbound-call', 'file-upload', 'list-visitors', 'send-groupchat', 'create-polls',
]

function claims(query) {
  const now = Math.floor(Date.now() / 1000)
  const moderator = (query.get('user_moderator') || 'true') === 'true'
  const user = {
    id: query.get('user_id') || 'user123',
    name: query.get('user_name') || 'Your User',
    avatar: query.get('user_avatar') || undefined,
    email: query.get('user_email') || 'user@example.com',
    moderator: String(moderator),
  }
  return {
    aud: 'jitsi',
    context: {
      user,
      features: Object.fromEntries(features.map((name) => [name, moderator && moderatorFeatures.has(name)])),
      room: { regex: false },
    },
    exp: now + 3600,
    iat: now,
    iss: 'chat',
    nbf: now - 10,
    room: (query.get('room') || 'default-room').normalize('NFKC').toLowerCase(),
    sub: appId,
  }
}

async function respond(request) {
  const headers = {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    vary: 'Origin',
  }
  const json = (status, body) => [status, { ...headers, 'content-type': 'application/json' }, JSON.stringify(body)]
  const url = new URL(request.url, 'http://localhost')
  if (url.pathname !== '/api/jitsi-token') return json(404, { error: 'Not found' })

  const { origin } = request.headers
  if (origin !== undefined && !allowedOrigins.has(origin)) {
    const reason = 'origin is not in allowed_origins'
    console.error(JSON.stringify({ level: 'warn', origin, reason, status: 403 }))
    return json(403, { error: 'Origin not allowed', allowed_origins: [...allowedOrigins] })
  }
  if (origin !== undefined) headers['access-control-allow-origin'] = origin
  if (request.method === 'OPTIONS') {
    headers['access-control-allow-methods'] = 'GET, POST, OPTIONS'
    headers['access-control-allow-headers'] = 'Content-Type, Authorization'
    headers['access-control-max-age'] = '86400'
    return [204, headers, '']
  }
  if (request.method === 'HEAD') return [200, { ...headers, 'content-type': 'application/json' }, '']

  const signed = new SignJWT(claims(url.searchParams)).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keyId })
  const token = await signed.sign(key)
  console.error(JSON.stringify({ event: 'token issued', level: 'info', moderator: true, origin, status: 200 }))
  return json(200, { token })
}

const server = createServer(async (request, response) => {
  const [status, headers, body] = await respond(request)
  if (body) headers['content-length'] = Buffer.byteLength(body)
  response.writeHead(status, headers).end(body)
})
server.listen(Number(process.argv[2]), '127.0.0.1')
