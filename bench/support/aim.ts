import { digits } from './table.ts'

/** One figure that is to be reached. */
export interface Aim {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly most?: number
  readonly least?: number
}

/** What is asked for, for a table. */
export function limitOf({ most, least, unit }: Aim): string {
  return (most === undefined ? `>= ${digits(least!)}` : `<= ${digits(most)}`) + (unit && ` ${unit}`)
}

/** The figure, and whether it is missed, for a table. */
export function verdictOn(aim: Aim | undefined): string {
  if (aim === undefined) return '-'
  const { value, most = Number.POSITIVE_INFINITY, least = 0 } = aim
  return `${digits(value)}${value <= most && value >= least ? '' : ' **missed**'}`
}
