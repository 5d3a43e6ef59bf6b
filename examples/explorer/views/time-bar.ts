import type { TimeTraveller } from '../actions/time-traveller.ts'
import type { App } from '../app/app.ts'
import type { State } from '../app/state.ts'
import { formatBytes, formatClock, formatCount, formatDay, formatTime, shortTXID } from '../data/format.ts'
import { type Moment, momentAt } from '../data/moments.ts'
import { button, h, setAttributes } from './dom.ts'
import { timeStrip } from './time-strip.ts'

/** The life of the backup: a slider for what is looked at, and one for what it is compared with. */
export function timeBar({ store }: App, traveller: TimeTraveller): HTMLElement {
  const at = slider('Moment')
  const base = slider('Compare with')
  at.addEventListener('input', () => {
    const { moments } = store.get()
    const i = Number(at.value)
    traveller.lookAt(i === moments.length - 1 ? undefined : moments[i]?.txid)
  })
  base.addEventListener('input', () => traveller.compareWith(store.get().moments[Number(base.value)]?.txid))

  const step = (by: number): void => {
    at.value = String(Number(at.value) + by)
    at.dispatchEvent(new Event('input'))
  }
  const back = button('‹', () => step(-1), { class: 'step', 'aria-label': 'Previous moment' })
  const forth = button('›', () => step(1), { class: 'step', 'aria-label': 'Next moment' })
  const newest = button('Latest', () => traveller.lookAt(undefined), { class: 'quiet' })
  const compare = button('Compare', () => {
    const { base: current, moments } = store.get()
    traveller.compareWith(current === undefined ? moments[0]?.txid : undefined)
  })
  const now = h('output', { class: 'moment' })
  const then = h('output', { class: 'moment base-moment' })
  const ends = h('div', { class: 'ends', 'aria-hidden': 'true' })
  const strip = timeStrip(store)
  const track = h('div', { class: 'track' }, strip, at, base, ends)
  const element = h(
    'section',
    { class: 'time', 'aria-label': 'Time' },
    h('div', { class: 'time-now' }, back, forth, now, newest),
    track,
    h('div', { class: 'time-base' }, compare, then),
  )

  store.on(['moments', 'at', 'base', 'session'], (state) => {
    const { moments, base: baseTXID } = state
    element.classList.toggle('empty', moments.length === 0)
    show(at, moments, shownMoment(state))
    show(base, moments, baseTXID === undefined ? undefined : momentAt(moments, baseTXID))
    base.hidden = baseTXID === undefined
    back.disabled = at.disabled || Number(at.value) === 0
    forth.disabled = at.disabled || Number(at.value) === moments.length - 1
    newest.disabled = state.at === undefined
    setAttributes(compare, { 'aria-pressed': String(baseTXID !== undefined) })
    compare.disabled = moments.length < 2
    now.replaceChildren(...describe(shownMoment(state), state.at === undefined))
    then.replaceChildren(...(base.hidden ? [] : describe(momentAt(moments, baseTXID!), false)))
    const [first, last] = [moments[0], moments.at(-1)]
    ends.replaceChildren(...(first && last ? endLabels(first, last, moments.length) : []))
  })
  return element
}

function slider(label: string): HTMLInputElement {
  return h('input', { type: 'range', min: 0, max: 0, step: 1, 'aria-label': label, disabled: true })
}

function shownMoment({ moments, at }: State): Moment | undefined {
  return at === undefined ? moments.at(-1) : momentAt(moments, at)
}

function show(input: HTMLInputElement, moments: readonly Moment[], moment: Moment | undefined): void {
  input.max = String(Math.max(0, moments.length - 1))
  input.disabled = moments.length < 2
  if (moment === undefined) return
  const i = moments.indexOf(moment)
  input.value = String(i)
  const text = `${formatTime(moment.timestamp)}, TXID ${shortTXID(moment.txid)}, ${i + 1} of ${moments.length}`
  input.setAttribute('aria-valuetext', text)
}

function describe(moment: Moment | undefined, isNewest: boolean): HTMLElement[] {
  if (moment === undefined) return [h('span', { class: 'muted' }, 'No replica open')]
  const { timestamp, txid, file } = moment
  return [
    h('time', { datetime: new Date(timestamp).toISOString() }, formatTime(timestamp)),
    h('span', { class: 'txid' }, `TXID ${shortTXID(txid)}`),
    h('span', { class: 'muted' }, isNewest ? 'latest' : `${formatBytes(file.size)} written`),
  ]
}

function endLabels(first: Moment, last: Moment, count: number): HTMLElement[] {
  const sameDay = formatDay(first.timestamp) === formatDay(last.timestamp)
  const text = sameDay ? formatClock : formatTime
  return [
    h('span', {}, text(first.timestamp)),
    h('span', {}, `${formatCount(count)} moments`),
    h('span', {}, text(last.timestamp)),
  ]
}
