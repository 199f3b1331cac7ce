// Runs an identity provider on 127.0.0.1, as published: `node --eval THIS KIND`, in the folder with node_modules.
// It prints its port and exits when its standard input ends. Besides the provider's own routes:
// POST /rotate generates a new signing key, POST /retire removes the old keys from the published set.

import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  const own = { '/rotate': provider.rotate, '/retire': provider.retire }[request.url]
  if (own === undefined) return provider.handle(request, response)
  own()
  response.end()
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const base = `http://127.0.0.1:${server.address().port}`

// Better Auth with its `jwt` plugin, and vTaiwan's roles in the user record.
async function betterAuth() {
  const { betterAuth } = await import('better-auth')
  const { memoryAdapter } = await import('better-auth/adapters/memory')
  const { toNodeHandler } = await import('better-auth/node')
  const { jwt } = await import('better-auth/plugins/jwt')
  const tables = { user: [], session: [], account: [], verification: [], jwks: [] }
  const auth = betterAuth({
    baseURL: base,
    secret: randomUUID() + randomUUID(),
    database: memoryAdapter(tables),
    emailAndPassword: { enabled: true },
    plugins: [jwt({ jwks: { rotationInterval: 3600 } })],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    user: { additionalFields: { role: { type: 'string', defaultValue: 'user', input: false } } },
    databaseHooks: {
      user: {
        create: {
          before: async (user) => {
            const [role] = user.email.split('@')
            return { data: { ...user, role, emailVerified: role !== 'user' } }
          },
        },
      },
    },
  })
  return {
    handle: toNodeHandler(auth),
    rotate: () => tables.jwks.forEach((key) => (key.expiresAt = new Date(Date.now() - 1000))),
    retire: () => (tables.jwks = tables.jwks.filter((key) => key.expiresAt > new Date())),
  }
}

// An OpenID provider: an ID token by the code flow, and an access token for the API `urn:jaas-jwt`.
async function openId() {
  const { default: Provider } = await import('oidc-provider')
  const newKey = () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    return { ...privateKey.export({ format: 'jwk' }), alg: 'RS256', kid: randomUUID(), use: 'sig' }
  }
  const api = { audience: 'urn:jaas-jwt', accessTokenFormat: 'jwt', scope: 'join', jwt: { sign: { alg: 'RS256' } } }
  const make = (keys) =>
    new Provider(base, {
      jwks: { keys },
      clients: [{
        client_id: 'page', redirect_uris: ['https://page.example/'],
        token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], response_types: ['code'],
      }],
      claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] },
      scopes: ['openid', 'profile', 'email', 'join'],
      conformIdTokenClaims: false,
      cookies: { keys: [randomUUID()] },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, name: `${id} of the provider`, preferred_username: id, email: `${id}@page.example` }),
      }),
      extraTokenClaims: (_, token) => ({ name: token.accountId, realm_access: { roles: [token.accountId] } }),
      features: {
        resourceIndicators: {
          enabled: true, defaultResource: () => undefined, getResourceServerInfo: () => api, useGrantedResource: () => true,
        },
      },
      ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    })
  let keys = [newKey()]
  let current = make(keys)
  const change = (next) => {
    keys = next
    current = make(keys)
  }
  return {
    handle: (request, response) => current.callback()(request, response),
    rotate: () => change([newKey(), ...keys]),
    retire: () => change(keys.slice(0, 1)),
  }
}

const provider = await { 'better-auth': betterAuth, 'openid': openId }[process.argv.at(-1)]()
console.log(server.address().port)
process.stdin.on('end', () => process.exit()).resume()
