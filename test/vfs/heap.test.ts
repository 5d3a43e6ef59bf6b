import { describe, expect, test } from 'vitest'
import { Heap, maxTextBytes } from '../../vfs/engine/heap.ts'

function made() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 })
  return { memory, heap: new Heap(memory) }
}

describe('Heap', () => {
  test.each(['bytes', 'view'] as const)('%s: taken anew when memory has grown, the same until then', (name) => {
    const { memory, heap } = made()
    const before = heap[name]
    expect(heap[name]).toBe(before)
    memory.grow(1)
    expect(Object.is(heap[name], before)).toBe(false)
    expect(heap[name].byteLength).toBe(2 * 65_536)
    expect(heap.bytes.buffer).toBe(memory.buffer)
    expect(heap.view.buffer).toBe(memory.buffer)
    expect(heap[name]).toBe(heap[name])
  })

  test.each([
    '',
    'a',
    'a\0b',
    'x'.repeat(31),
    'x'.repeat(32),
    'x'.repeat(33),
    'ü',
    `${'x'.repeat(31)}ü`,
    '\x7f\x80',
    '\u{feff}with a BOM',
    '😀'.repeat(20),
  ])('text %j comes back as it went in', (text) => {
    const { heap } = made()
    heap.bytes.fill(0x21)
    const length = heap.writeText(100, text)
    expect(length).toBe(new TextEncoder().encode(text).length)
    expect(length).toBeLessThanOrEqual(maxTextBytes(text))
    expect(heap.bytes[99]).toBe(0x21)
    expect(heap.bytes[100 + length]).toBe(0x21)
    expect(heap.text(100, length)).toBe(text)
  })

  test('what is no UTF-8 is replaced, not refused', () => {
    const { heap } = made()
    heap.bytes.set([0x61, 0xff, 0x62], 8)
    expect(heap.text(8, 3)).toBe('a\ufffdb')
  })

  test('a C string ends at its NUL; a null pointer is an empty one', () => {
    const { heap } = made()
    heap.writeText(0, 'not this')
    const length = heap.writeText(64, 'name')
    heap.bytes.set([0, 0x78], 64 + length)
    expect(heap.cString(64)).toBe('name')
    expect(heap.cString(64 + length)).toBe('')
    expect(heap.cString(0)).toBe('')
  })

  test('a pointer is four bytes, the lowest first', () => {
    const { heap } = made()
    heap.bytes.set([0x01, 0x02, 0x03, 0xf4], 16)
    expect(heap.u32(16)).toBe(0xf403_0201)
  })
})
