import type { ReplicaClient } from '../../storage/index.ts'

/** A client of which some methods do something else. */
export function altered(client: ReplicaClient, methods: Partial<ReplicaClient>): ReplicaClient {
  return new Proxy(client, {
    get(target, name) {
      const value = Reflect.get(methods, name) ?? Reflect.get(target, name)
      return typeof value === 'function' && !(name in methods) ? value.bind(target) : value
    },
  })
}
