const KEY = 'litetap-explorer.token'

/**
 * The bearer token that was typed in for a server. Kept until the tab is closed, and given to that server alone: a link
 * may name another one.
 */
export function tokenFor(url: string): string {
  const [origin, token] = JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as string[]
  return token !== undefined && origin === originOf(url) ? token : ''
}

/** @param token '' to forget it */
export function keepToken(url: string, token: string): void {
  if (token === '') sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, JSON.stringify([originOf(url), token]))
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url
}
