// The whole surface of arguments/.
export {
  abortSignal,
  anyNumber,
  anyObject,
  atLeast,
  type Check,
  callback,
  eitherOf,
  flag,
  has,
  isOfClass,
  objectOf,
  oneOf,
  type Shape,
  shown,
  someText,
  text,
  unknownIn,
  wholeNumber,
} from './checks.ts'
export { nearest } from './nearest.ts'
