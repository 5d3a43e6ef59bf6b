import { describe, expect, test } from 'vitest'
import { splitShellWords } from '../../cli/shell-words.ts'

// mattn/go-shellwords v1.0.12, which splits upstream's -exec
const WORDS: [line: string, words: string[]][] = [
  ['a b c', ['a', 'b', 'c']],
  ['  a   b ', ['a', 'b']],
  ["a 'b c' d", ['a', 'b c', 'd']],
  ['a "b c" d', ['a', 'b c', 'd']],
  ['a\\ b', ['a b']],
  ["'a\\b'", ['a\\b']],
  ['"a\\"b"', ['a"b']],
  ['"a\\b"', ['ab']],
  ["a''b", ['ab']],
  ["a '' b", ['a', '', 'b']],
  ['a ""', ['a', '']],
  ['', []],
  ['  ', []],
  ['a\tb\nc', ['a', 'b', 'c']],
  ["sh -c 'echo $HOME; ls'", ['sh', '-c', 'echo $HOME; ls']],
  ['"it\'s"', ["it's"]],
  ['\'say "hi"\'', ['say "hi"']],
  ['\\;', [';']],
  ['a#b', ['a#b']],
  ['$HOME', ['$HOME']],
]
// Refused there too, or cut short without a word: `a > f` ran `a`.
const REFUSED = ["'x", '"x', 'x\\', 'a;b', 'a | b', 'a > f', 'a 2>f', 'x=$(date)', '`date`', '(a)', 'a&&b']

describe('splitting -exec', () => {
  test.each(WORDS)('%j', (line, words) => {
    expect(splitShellWords(line)).toEqual({ words })
  })

  test.each(REFUSED)('%j is refused', (line) => {
    expect(splitShellWords(line)).toEqual({ problem: expect.any(String) })
  })
})
