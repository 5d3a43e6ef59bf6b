import { closeCompletion } from '@codemirror/autocomplete'
import { SQLite, type SQLNamespace, sql } from '@codemirror/lang-sql'
import { HighlightStyle, syntaxHighlighting, syntaxTree } from '@codemirror/language'
import { Compartment, Prec } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { basicSetup } from 'codemirror'
import type { App } from '../app/app.ts'
import type { Schema } from '../data/schema.ts'
import { h } from './dom.ts'

export interface SqlEditor {
  readonly element: HTMLElement
  /** What is to be run: the selection, else the statement that the cursor is in, else all. */
  statement(): string
  set(sql: string): void
  focus(): void
}

const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: 'var(--syntax-keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syntax-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--syntax-number)' },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: 'var(--muted)', fontStyle: 'italic' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--syntax-type)' },
])

/** Where SQL is written: SQLite's dialect, completion from the schema. */
export function sqlEditor({ store }: App, onRun: () => void): SqlEditor {
  const language = new Compartment()
  const run = (): boolean => {
    closeCompletion(view) // Escape is to cancel now
    onRun()
    return true
  }
  const view = new EditorView({
    doc: store.get().sql,
    extensions: [
      Prec.highest(keymap.of([{ key: 'Mod-Enter', run, preventDefault: true }])),
      basicSetup,
      syntaxHighlighting(HIGHLIGHT),
      language.of(languageFor(undefined)),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ 'aria-label': 'SQL', spellcheck: 'false' }),
      EditorView.updateListener.of(({ docChanged, state }) => {
        if (docChanged) store.set({ sql: state.doc.toString() })
      }),
    ],
  })
  store.on(['schema'], ({ schema }) => view.dispatch({ effects: language.reconfigure(languageFor(schema)) }))
  return {
    element: h('div', { class: 'editor' }, view.dom),
    statement: () => statementAt(view),
    set: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    focus: () => view.focus(),
  }
}

function languageFor(schema: Schema | undefined): ReturnType<typeof sql> {
  const names = (schema?.relations ?? []).map(({ name, columns }) => [name, columns.map((column) => column.name)])
  const namespace = Object.fromEntries(names) as SQLNamespace
  return sql({ dialect: SQLite, schema: namespace, upperCaseKeywords: true })
}

function statementAt({ state }: EditorView): string {
  const { from, to, head } = state.selection.main
  if (from !== to) return state.sliceDoc(from, to)
  const statements = syntaxTree(state).topNode.getChildren('Statement')
  if (statements.length < 2) return state.doc.toString()
  const node = statements.find((each) => head <= each.to) ?? statements.at(-1)!
  return state.sliceDoc(node.from, node.to)
}
