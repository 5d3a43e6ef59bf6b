import { describe, expect, test } from 'vitest'
import { chooseLogin } from '../../storage/nats/login.ts'
import { natsError } from '../../storage/nats/nats-error.ts'
import { resolveSettings } from '../../storage/nats/settings.ts'

const options = { server: 'nats://h', bucket: 'b' }

describe('nats settings (facts 2.10)', () => {
  test('have defaults', () => {
    expect(resolveSettings(options)).toMatchObject({ maxReconnects: -1, reconnectWaitMs: 2000, timeoutMs: 10_000 })
  })

  test.each([
    [{ ...options, server: '' }, /server is missing/],
    [{ ...options, server: 'nats://u:hunter2@h' }, /without a login/],
    [{ ...options, bucket: 'a/b' }, /"a\/b"/],
    [{ ...options, clientCert: 'c.pem' }, /together/],
  ])('%j is refused', (bad, message) => {
    const refused = expect.objectContaining({ code: 'STORAGE_BAD_OPTION', message: expect.stringMatching(message) })
    expect(() => resolveSettings(bad)).toThrow(refused)
    expect(() => resolveSettings(bad)).not.toThrow(/hunter2/)
  })

  const all = { jwt: 'j', seed: 'SUs', creds: 'c', nkey: 'SUn', user: 'u', password: 'p', token: 't' }
  test.each([
    [all, { kind: 'jwt', jwt: 'j', seed: 'SUs' }],
    [
      { ...all, seed: '' },
      { kind: 'creds', path: 'c' },
    ],
    [
      { ...all, jwt: '', creds: '' },
      { kind: 'nkey', seed: 'SUn' },
    ],
    [
      { nkey: 'UPUBLIC', seed: 'SUs' },
      { kind: 'nkey', seed: 'SUs' },
    ],
    [
      { user: 'u', password: 'p', token: 't' },
      { kind: 'password', user: 'u', password: 'p' },
    ],
    [
      { user: 'u', token: 't' },
      { kind: 'token', token: 't' },
    ],
    [{}, { kind: 'none' }],
  ])('the first complete login counts: %j', (login, chosen) => {
    expect(chooseLogin({ ...options, ...login })).toEqual(chosen)
  })

  test('a public key cannot sign', () => {
    expect(() => chooseLogin({ ...options, nkey: 'UPUBLIC' })).toThrow(/give the seed/)
  })
})

const named = (name: string, more: object = {}): Error => Object.assign(new Error('said'), { name, ...more })

test.each([
  [named('TimeoutError'), 'STORAGE_TIMEOUT', true],
  [named('AuthorizationError'), 'STORAGE_BAD_CREDENTIALS', false],
  [named('RequestError', { cause: named('PermissionViolationError') }), 'STORAGE_ACCESS_DENIED', false],
  [named('ClosedConnectionError'), 'STORAGE_UNREACHABLE', true],
  [named('JetStreamApiError', { code: 10059, status: 404 }), 'STORAGE_NO_BUCKET', false],
  [named('JetStreamApiError', { code: 10071, status: 400 }), 'STORAGE_PRECONDITION_FAILED', false],
  [named('JetStreamApiError', { code: 10077, status: 503 }), 'STORAGE_NO_SPACE', false],
  [named('JetStreamApiError', { code: 10008, status: 503 }), 'STORAGE_SERVER_ERROR', true],
  [named('NoRespondersError'), 'STORAGE_SERVER_ERROR', true],
  [named('ConnectionError', { cause: named('Error', { code: 'ECONNREFUSED' }) }), 'STORAGE_UNREACHABLE', true],
  [Object.assign(new Error('connection closed'), { name: 'RequestError' }), 'STORAGE_UNREACHABLE', true],
  [named('Error'), 'STORAGE_REFUSED', false],
])('nats error %s is %s', (error, code, retryable) => {
  const context = { verb: 'read', key: 'ltx/0/x', bucket: 'b', server: 'nats://h' }
  expect(natsError(error, context)).toMatchObject({ code, retryable })
})
