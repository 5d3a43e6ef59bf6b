import type { State } from '../app/state.ts'
import type { Store } from '../app/store.ts'
import { momentAt } from '../data/moments.ts'
import { h, prepareCanvas, redrawOnResize, themeColor } from './dom.ts'

/** Half of a slider's thumb: where its first and last places are. */
const INSET = 7
const BAR = 3

/** A bar for each moment, the higher the more was written (logarithmic). The slider stands on it and says the same. */
export function timeStrip(store: Store<State>): HTMLElement {
  const canvas = h('canvas', { class: 'strip', 'aria-hidden': 'true' })
  const draw = (): void => {
    const { context, width, height } = prepareCanvas(canvas)
    const { moments, at, base } = store.get()
    if (moments.length === 0 || width === 0) return
    const [plain, accent, marked] = [themeColor('bar'), themeColor('accent'), themeColor('base')]
    const span = width - 2 * INSET
    const indexOf = (txid: bigint): number => moments.indexOf(momentAt(moments, txid)!)
    const shown = at === undefined ? moments.length - 1 : indexOf(at)
    const compared = base === undefined ? undefined : indexOf(base)
    const most = Math.log(Math.max(...moments.map(({ file }) => file.size)) + 1)
    const least = Math.log(Math.min(...moments.map(({ file }) => file.size)) + 1) * 0.9
    const left = (i: number): number => INSET + (moments.length === 1 ? span : (span * i) / (moments.length - 1))
    const thick = Math.max(1, Math.min(BAR, (span / moments.length) * 0.7))
    const [low, high] = compared === undefined ? [shown, shown] : [Math.min(shown, compared), Math.max(shown, compared)]
    if (low !== high) {
      context.fillStyle = themeColor('span')
      context.fillRect(left(low), 0, left(high) - left(low), height)
    }
    moments.forEach(({ file }, i) => {
      context.fillStyle = i === shown ? accent : i === compared ? marked : plain
      const share = (Math.log(file.size + 1) - least) / (most - least || 1)
      const tall = Math.max(3, share * (height - 2))
      context.fillRect(left(i) - thick / 2, height - tall, thick, tall)
    })
  }
  store.on(['moments', 'at', 'base'], draw)
  redrawOnResize(canvas, draw)
  return canvas
}
