import { describe, expect, test } from 'vitest'
import { boolFlag, customFlag, durationFlag, intFlag, parseFlags, stringFlag } from '../../cli/flags.ts'

const FLAGS = {
  s: stringFlag(),
  b: boolFlag(),
  n: intFlag(8),
  d: durationFlag(1000),
  c: customFlag((): string => {
    throw new Error('not good')
  }),
}

// What a program with the same flags, built with Go 1.26's flag package, made of the same arguments.
const OK: [args: string[], changed: Record<string, unknown>, rest: string[]][] = [
  [['-s', 'v'], { s: 'v' }, []],
  [['--s', 'v'], { s: 'v' }, []],
  [['-s=v'], { s: 'v' }, []],
  [['--s=v'], { s: 'v' }, []],
  [['-s='], {}, []],
  [['-s', ''], {}, []],
  [['-s', '-b'], { s: '-b' }, []],
  [['-b'], { b: true }, []],
  [['-b=false'], {}, []],
  [['-b=0'], {}, []],
  [['-b=F'], {}, []],
  [['-b', 'false'], { b: true }, ['false']],
  [['pos', '-b'], {}, ['pos', '-b']],
  [['--', '-b'], {}, ['-b']],
  [['-b', '--', '-s', 'x'], { b: true }, ['-s', 'x']],
  [['-'], {}, ['-']],
  [['-', '-b'], {}, ['-', '-b']],
  [['-n', '5'], { n: 5 }, []],
  [['-n', '0x1f'], { n: 31 }, []],
  [['-n', '1_000'], { n: 1000 }, []],
  [['-n', '-3'], { n: -3 }, []],
  [['-n', '010'], {}, []],
  [['-n', '0b11'], { n: 3 }, []],
  [['-n', '+7'], { n: 7 }, []],
  [['-n', '0_7'], { n: 7 }, []],
  [['-d', '1h30m'], { d: 5400000 }, []],
  [['-s', 'a', '-s', 'b'], { s: 'b' }, []],
  [['-s=a=b'], { s: 'a=b' }, []],
  [['-s', '--'], { s: '--' }, []],
]

const ERRORS: [args: string[], message: string][] = [
  [['-s'], 'flag needs an argument: -s'],
  [['-b=maybe'], 'invalid boolean value "maybe" for -b: parse error'],
  [['-b='], 'invalid boolean value "" for -b: parse error'],
  [['---b'], 'bad flag syntax: ---b'],
  [['-=x'], 'bad flag syntax: -=x'],
  [['--=x'], 'bad flag syntax: --=x'],
  [['-x'], 'flag provided but not defined: -x'],
  [['-x=1'], 'flag provided but not defined: -x'],
  [['--x'], 'flag provided but not defined: -x'],
  [['-n', 'x'], 'invalid value "x" for flag -n: parse error'],
  [['-n', ''], 'invalid value "" for flag -n: parse error'],
  [['-n', '99999999999999999999'], 'invalid value "99999999999999999999" for flag -n: value out of range'],
  [['-n', '1.5'], 'invalid value "1.5" for flag -n: parse error'],
  [['-n', '08'], 'invalid value "08" for flag -n: parse error'],
  [['-n', '_1'], 'invalid value "_1" for flag -n: parse error'],
  [['-d', '5'], 'invalid value "5" for flag -d: parse error'],
  [['-d', ''], 'invalid value "" for flag -d: parse error'],
  [['-c', 'bad'], 'invalid value "bad" for flag -c: not good'],
  [['-c', 'a"b\n'], 'invalid value "a\\"b\\n" for flag -c: not good'],
  [['-B'], 'flag provided but not defined: -B'],
]

const HELP: string[][] = [['-h'], ['-help'], ['--help'], ['-h=1'], ['-b', '-h']]

describe('flags as Go reads them', () => {
  test.each(OK)('%j', (args, changed, rest) => {
    const parsed = parseFlags(FLAGS, args)
    expect(parsed).toEqual({
      kind: 'ok',
      values: { s: '', b: false, n: 8, d: 1000, c: undefined, ...changed },
      args: rest,
    })
  })

  test.each(ERRORS)('%j is refused', (args, message) => {
    expect(parseFlags(FLAGS, args)).toEqual({ kind: 'error', message })
  })

  test.each(HELP)('asks for help: %j %j', (...args) => {
    const given = args.filter((arg) => typeof arg === 'string')
    expect(parseFlags(FLAGS, given)).toEqual({ kind: 'help' })
  })

  test('a name that every object has is no flag', () => {
    expect(parseFlags(FLAGS, ['-constructor'])).toEqual({
      kind: 'error',
      message: 'flag provided but not defined: -constructor',
    })
  })
})
