type Attribute = string | number | boolean | undefined

/**
 * Make an element.
 * @param attributes `true` stands for an empty attribute, `false` and undefined for none
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  setAttributes(element, attributes)
  element.append(...children)
  return element
}

export function setAttributes(element: Element, attributes: Readonly<Record<string, Attribute>>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
}

/** A button that does something. */
export function button(
  label: string,
  onClick: () => void,
  attributes: Readonly<Record<string, Attribute>> = {},
): HTMLButtonElement {
  const element = h('button', { type: 'button', ...attributes }, label)
  element.addEventListener('click', onClick)
  return element
}

let ids = 0

/** An id that no other element has. */
export function newId(prefix: string): string {
  return `${prefix}-${++ids}`
}

/** A colour of the theme as canvases want it. */
export function themeColor(name: string): string {
  const probe = h('span', { hidden: true })
  probe.style.color = `var(--${name})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

/** A canvas of the size of its element, in the pixels of the screen; drawn on in CSS pixels. */
export function prepareCanvas(canvas: HTMLCanvasElement): {
  context: CanvasRenderingContext2D
  width: number
  height: number
} {
  const { clientWidth: width, clientHeight: height } = canvas
  const scale = devicePixelRatio || 1
  canvas.width = Math.round(width * scale)
  canvas.height = Math.round(height * scale)
  const context = canvas.getContext('2d')!
  context.scale(scale, scale)
  return { context, width, height }
}

/** Draw at once, and again when the element's size or the theme has changed. */
export function redrawOnResize(element: Element, draw: () => void): void {
  new ResizeObserver(draw).observe(element)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
  addEventListener('themechange', draw)
}
