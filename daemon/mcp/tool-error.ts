import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { stringifyTXIDs } from '../socket/txid-json.ts'

/** Why a tool does not do what it was asked for, and what to do instead. */
export class ToolError extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** Run a tool: its result as text and as JSON, its failure as an error with its hint. */
export async function toolResult(run: () => Promise<Record<string, unknown>>): Promise<CallToolResult> {
  try {
    const text = stringifyTXIDs(await run(), 2)
    // As it was written: a client's JSON has no bigint.
    return { content: [{ type: 'text', text }], structuredContent: JSON.parse(text) as Record<string, unknown> }
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string }
    const text = hint === undefined ? `Error: ${message}` : `Error: ${message}\nTry: ${hint}`
    return { isError: true, content: [{ type: 'text', text }] }
  }
}
