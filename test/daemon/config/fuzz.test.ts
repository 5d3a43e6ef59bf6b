import { expect, it } from 'vitest'
import { isDaemonError } from '../../../daemon/errors.ts'
import { seededRandom } from '../../support/random.ts'
import { parse } from './support.ts'

const SAMPLE = `addr: ":9090"
d: &d {type: s3, bucket: b}
levels: [{interval: 1m}]
socket: {enabled: yes, permissions: 0600}
dbs:
  - path: /data/a.db
    snapshot: {interval: 1h}
    replica: {<<: *d, path: a, part-size: 5MiB, region: $REGION}
  - dir: "/data"
    pattern: '*.db'
    replicas:
      - url: sftp://u:p@h:22/p
        key-path: |
          /etc/key
`
const PIECES = [
  '\n',
  '  ',
  '\t',
  '- ',
  ': ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '&d ',
  '*d',
  '<<: ',
  '!!str ',
  '? ',
  '|',
  '>',
  '#',
  '%',
  '$A',
  `\${`,
  '---\n',
  '\u0000',
  '\ufeff',
  'é',
  '0600',
  '~',
  'dbs:',
  'replica:',
  'url: ',
]
const SEED = 20_261_125
const RUNS = 2000

it(`any text is a configuration or is refused (seed ${SEED})`, () => {
  const random = seededRandom(SEED)
  const below = (n: number): number => Math.floor(random() * n)
  const seen = { accepted: 0, refused: 0 }
  for (let run = 0; run < RUNS; run++) {
    let text = run % 4 === 0 ? '' : SAMPLE
    for (let edits = 1 + below(run % 4 === 0 ? 30 : 4); edits > 0; edits--) {
      const at = below(text.length + 1)
      text = text.slice(0, at) + (random() < 0.6 ? PIECES[below(PIECES.length)] : '') + text.slice(at + below(4))
    }
    try {
      parse(text, { A: 'x: y' })
      seen.accepted++
    } catch (error) {
      if (!isDaemonError(error, 'DAEMON_CONFIG'))
        throw new Error(`run ${run}: ${JSON.stringify(text)}`, { cause: error })
      expect(error.message).toMatch(/^\/etc\/litestream\.yml:\d+:\d+: \S/)
      seen.refused++
    }
  }
  expect(seen.accepted).toBeGreaterThan(100)
  expect(seen.refused).toBeGreaterThan(100)
})

it('what is nested or merged without end is refused', () => {
  const bomb = Array.from(
    { length: 30 },
    (_, i) => `a${i}: &a${i} {<<: [${i === 0 ? '{x: 1}' : `*a${i - 1}, *a${i - 1}`}]}`,
  ).join('\n')
  for (const text of ['['.repeat(50_000), bomb]) expect(() => parse(text)).toThrow('nested too deeply')
  expect(() => parse('a: &a {<<: *a}')).toThrow('no such anchor')
})
