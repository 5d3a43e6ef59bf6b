import { describe, expect, test } from 'vitest'
import { firstWord, skipBlank } from '../../vfs/sql-text.ts'

describe('skipBlank', () => {
  test.each([
    ['', 0],
    [' ', 1],
    ['a', 0],
    [' \t\n\f\r a', 6],
    ['-- all of it', 12],
    ['-- a line\nb', 10],
    ['--\n--\nb', 6],
    ['/* a */b', 7],
    ['/**/b', 4],
    ['/*/ b', 5],
    ['/* to the end', 13],
    ['- a', 0],
    ['/ a', 0],
    ['a*/ b', 0],
    ['-/* a */', 0],
    [' ;a', 1],
  ])('%j: %i characters', (sql, length) => {
    expect(skipBlank(sql, 0)).toBe(length)
  })

  test('from somewhere on', () => {
    expect(skipBlank('a  b', 0)).toBe(0)
    expect(skipBlank('a  b', 1)).toBe(3)
  })

  test('behind a statement semicolons mean nothing, either', () => {
    expect(skipBlank(' ; -- end\n;', 0, true)).toBe(11)
    expect(skipBlank('; SELECT', 0, true)).toBe(2)
  })
})

test.each([
  ['SELECT 1', 'select'],
  ['  /* a */ -- b\n ; With', 'with'],
  ['PRAGMA(x)', 'pragma'],
  ['pragma', 'pragma'],
  ['a1', 'a'],
  ['1', ''],
  ['', ''],
  [' ', ''],
])('the first word of %j', (sql, word) => {
  expect(firstWord(sql)).toBe(word)
})
