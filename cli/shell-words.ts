/** The outcome of splitting: the words, or why the line cannot be split. */
export type ShellWords = { readonly words: readonly string[] } | { readonly problem: string }

/**
 * Split a command line into words, with a shell's quotes: single quotes keep everything, double quotes keep all but
 * backslash escapes, a backslash outside single quotes keeps the next character. Nothing is expanded.
 *
 * Operators of a shell outside quotes are refused: upstream drops the rest of the line there without a word.
 *
 * @see mattn/go-shellwords v1.0.12 Parser.Parse
 */
export function splitShellWords(line: string): ShellWords {
  const words: string[] = []
  let word: string | undefined
  let quote: '"' | "'" | undefined
  let escaped = false
  for (const char of line) {
    if (escaped) {
      word = (word ?? '') + char
      escaped = false
    } else if (char === '\\' && quote !== "'") {
      escaped = true
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/[ \t\r\n]/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (/[;&|<>()`]/.test(char)) {
      return { problem: `${char} needs a shell` }
    } else {
      word = (word ?? '') + char
    }
  }
  if (quote !== undefined) return { problem: `a ${quote} is never closed` }
  if (escaped) return { problem: 'a backslash at the end escapes nothing' }
  if (word !== undefined) words.push(word)
  return { words }
}
