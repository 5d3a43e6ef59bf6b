import { expandPath } from './expand-path.ts'
import { expectation } from './read-value.ts'
import { REPLICA_SETTING_KEYS } from './replica-keys.ts'
import type { ReplicaContext, ReplicaValues } from './replica-values.ts'
import { isOfForm } from './value-form.ts'

/** The customer key of an s3 replica: from its file if one is named, else as it stands (features 3.3). Secret. */
export function sseCustomerKey(values: ReplicaValues, context: ReplicaContext): string | undefined {
  const path = values['sse-customer-key-path']
  if (!path) return values['sse-customer-key']?.value
  const file = expandPath(path.value, context.base)
  const where = `${context.path}.sse-customer-key-path`
  try {
    const key = context.readText(file).trim()
    if (isOfForm('base64-32', key)) return key
    context.mistakes.add(
      path,
      `${where}: expected ${file} to hold ${expectation(REPLICA_SETTING_KEYS['sse-customer-key'])}`,
    )
  } catch (error) {
    context.mistakes.add(path, `${where}: cannot read ${file}: ${(error as Error).message}`)
  }
  return undefined
}
