import { describe, expect, test } from 'vitest'
import { splitHost } from '../../storage/host-port.ts'
import { parseHostKey, signatureAlgorithms } from '../../storage/sftp/host-key.ts'
import { resolveSettings } from '../../storage/sftp/settings.ts'
import { connectError, sftpError } from '../../storage/sftp/sftp-error.ts'

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

test.each([
  ['host', { hostname: 'host' }],
  ['host:2222', { hostname: 'host', port: 2222 }],
  ['[::1]:22', { hostname: '::1', port: 22 }],
  ['[::1]', { hostname: '::1' }],
  ['fe80::1', { hostname: 'fe80::1' }],
  ['host:0', undefined],
  ['host:70000', undefined],
  ['host:x', undefined],
])('splitHost %j', (text, parts) => {
  expect(splitHost(text)).toEqual(parts)
})

describe('sftp settings (facts 2.8)', () => {
  const options = { host: 'h', user: 'u', path: '/p' }

  test('have defaults', () => {
    expect(resolveSettings(options)).toMatchObject({ port: 22, concurrentWrites: true, hostKey: undefined })
    expect(resolveSettings({ ...options, host: 'h:2022', concurrentWrites: false })).toMatchObject({
      hostname: 'h',
      port: 2022,
      concurrentWrites: false,
    })
  })

  test.each([
    [{ ...options, host: '' }, /host is missing/],
    [{ host: 'h', path: '/p' }, /user is missing; write sftp:\/\/user@host/],
    [{ ...options, host: 'h:x' }, /"h:x" is no host/],
    [{ ...options, hostKey: 'AAAA' }, /known_hosts/],
  ])('%j is refused', (bad, message) => {
    expect(() => resolveSettings(bad)).toThrow(
      expect.objectContaining({ code: 'STORAGE_BAD_OPTION', message: expect.stringMatching(message) }),
    )
  })

  test('a host key is its type and its blob, whatever comes after', () => {
    const key = parseHostKey(`${KEY} root@host`)!
    expect(key.type).toBe('ssh-ed25519')
    expect(key.blob).toHaveLength(51)
    expect(parseHostKey(KEY.replace('ssh-ed25519', 'ssh-rsa'))).toBeUndefined()
    for (const text of ['', 'ssh-ed25519', 'ssh-ed25519 !!!', 'ssh-ed25519 AAAA'])
      expect(parseHostKey(text)).toBeUndefined()
    expect(signatureAlgorithms(key)).toEqual(['ssh-ed25519'])
    expect(signatureAlgorithms({ type: 'ssh-rsa', blob: key.blob })).toContain('rsa-sha2-512')
  })
})

describe('sftp errors', () => {
  const context = { verb: 'read', path: '/p/f', endpoint: 'h:22', user: 'u' }

  test.each([
    [{ code: 3, message: 'Permission denied' }, 'STORAGE_ACCESS_DENIED', false],
    [{ code: 4, message: 'Failure' }, 'STORAGE_SERVER_ERROR', true],
    [{ code: 'ECONNRESET' }, 'STORAGE_UNREACHABLE', true],
    [{ message: 'No response from server' }, 'STORAGE_UNREACHABLE', true],
  ])('%j is %s', (error, code, retryable) => {
    expect(sftpError(Object.assign(new Error(), error), context)).toMatchObject({ code, retryable })
  })

  test.each([
    [{ level: 'client-authentication' }, 'STORAGE_BAD_CREDENTIALS', false],
    [{ level: 'client-timeout' }, 'STORAGE_TIMEOUT', true],
    [{ message: 'what is that' }, 'STORAGE_BAD_REPLY', false],
  ])('while connecting %j is %s', (error, code, retryable) => {
    const meant = connectError(Object.assign(new Error('x'), error), { ...context, verb: 'open' })
    expect(meant).toMatchObject({ code, retryable, message: expect.stringContaining('sftp://h:22/p/f') })
  })

  test("the caller's own errors and aborts come back as they are", () => {
    const own = new Error('mine')
    expect(sftpError(own, context)).toBe(own)
    expect(sftpError(own, { ...context, signal: AbortSignal.abort('enough') })).toBe('enough')
  })
})
