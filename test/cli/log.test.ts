import { describe, expect, test } from 'vitest'
import { createLog, parseLogLevel } from '../../cli/log.ts'
import { quote } from '../../cli/quote.ts'

// Go 1.26: slog's text handler with the same text as message, key and value.
const LINES: [text: string, line: string][] = [
  ['a', 'msg=a a=a'],
  ['a b', 'msg="a b" "a b"="a b"'],
  ['a=b', 'msg="a=b" "a=b"="a=b"'],
  ['a"b', 'msg="a\\"b" "a\\"b"="a\\"b"'],
  ['é', 'msg=é é=é'],
  ['a\nb', 'msg="a\\nb" "a\\nb"="a\\nb"'],
  ['a\\b', 'msg=a\\b a\\b=a\\b'],
  ['tab\t', 'msg="tab\\t" "tab\\t"="tab\\t"'],
  ['日本', 'msg=日本 日本=日本'],
  ['\u200b', 'msg="\\u200b" "\\u200b"="\\u200b"'],
  ["a'b", "msg=a'b a'b=a'b"],
  ['[x]', 'msg=[x] [x]=[x]'],
  ['\u00a0', 'msg="\\u00a0" "\\u00a0"="\\u00a0"'],
  ['😀', 'msg=😀 😀=😀'],
  ['\u0001', 'msg="\\x01" "\\x01"="\\x01"'],
]
// Go 1.26: strconv.Quote
const QUOTED: [text: string, quoted: string][] = [
  ['a', '"a"'],
  ['a"b', '"a\\"b"'],
  ['\n\t\r\\', '"\\n\\t\\r\\\\"'],
  ['é', '"é"'],
  ['\u0000\u007f', '"\\x00\\x7f"'],
  ['日', '"日"'],
  ['😀', '"😀"'],
  ['\u2028', '"\\u2028"'],
]

function collect(level: 'trace' | 'debug' | 'info' | 'warn' | 'error' = 'info') {
  const lines: string[] = []
  const output = { write: (text: string) => void lines.push(text) }
  return { lines, log: createLog({ output, level, now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) }) }
}

describe('log lines', () => {
  test('are what slog writes', () => {
    const { lines, log } = collect()
    log.info('initialized db', { path: '/data/app.db' })
    expect(lines).toEqual(['time=2026-01-02T03:04:05.006Z level=INFO msg="initialized db" path=/data/app.db\n'])
  })

  test.each(LINES)('quoting of %j', (text, line) => {
    const { lines, log } = collect()
    log.info(text, { [text]: text })
    expect(lines).toEqual([`time=2026-01-02T03:04:05.006Z level=INFO ${line}\n`])
  })

  test.each(QUOTED)('quote %j', (text, quoted) => {
    expect(quote(text)).toBe(quoted)
  })

  test('levels below the wanted one are left out', () => {
    const { lines, log } = collect('warn')
    log.trace('a')
    log.debug('b')
    log.info('c')
    log.warn('d')
    log.error('e')
    expect(lines.map((line) => line.split(' ')[1])).toEqual(['level=WARN', 'level=ERROR'])
  })

  test('attributes: nested, inherited, absent, transaction IDs, errors', () => {
    const { lines, log } = collect('trace')
    log.with({ system: 'store' }).trace('x', {
      txid: { replica: 1n, db: 255n },
      none: undefined,
      size: 5n,
      error: new Error('no such file'),
    })
    expect(lines[0]).toBe(
      'time=2026-01-02T03:04:05.006Z level=TRACE msg=x system=store txid.replica=0000000000000001 ' +
        'txid.db=00000000000000ff size=5 error="no such file"\n',
    )
  })

  test('level names', () => {
    expect(parseLogLevel('WARNING')).toBe('warn')
    expect(parseLogLevel('Debug')).toBe('debug')
    expect(parseLogLevel('bogus')).toBeUndefined()
  })
})

describe('other forms', () => {
  const write = (form: 'json' | 'pretty', isTTY: boolean) => {
    const lines: string[] = []
    const output = { write: (text: string) => void lines.push(text), isTTY }
    return { lines, log: createLog({ output, level: 'info', form, now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) }) }
  }

  test('JSON: a line each, values as they are, what has the name of a head under another', () => {
    const { lines, log } = write('json', true)
    log.with({ db: '/a "b"' }).warn('new\nline', {
      txid: 26n,
      size: 5,
      level: 'x',
      ok: true,
      none: undefined,
      at: { ms: 1, by: new Error('no') },
    })
    expect(lines).toEqual([
      '{"time":"2026-01-02T03:04:05.006Z","level":"WARN","msg":"new\\nline","db":"/a \\"b\\"","txid":"000000000000001a","size":5,"level_":"x","ok":true,"at":{"ms":1,"by":"no"}}\n',
    ])
  })

  test('for people: coloured at a terminal only', () => {
    const piped = write('pretty', false)
    piped.log.error('cannot upload', { db: '/a b' })
    expect(piped.lines).toEqual(['03:04:05.006 ERR cannot upload db="/a b"\n'])
    const terminal = write('pretty', true)
    terminal.log.info('uploaded')
    expect(terminal.lines).toEqual([
      '\u001b[90m03:04:05.006\u001b[0m \u001b[32mINF\u001b[0m uploaded\u001b[90m\u001b[0m\n',
    ])
  })
})
