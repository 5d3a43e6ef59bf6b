import type { ReplicaClient } from './types.ts'

/** A caller's client, which is not closed with what is made of it until it is given away. */
export function lent(client: ReplicaClient): { readonly client: ReplicaClient; giveAway(): void } {
  let ours = false
  const close = async (): Promise<void> => {
    if (ours) await client.close()
  }
  const proxy = new Proxy(client, {
    get(target, name) {
      if (name === 'close') return close
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return {
    client: proxy,
    giveAway() {
      ours = true
    },
  }
}
