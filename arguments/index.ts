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
  pick,
  type Shape,
  shown,
  someText,
  text,
  textByName,
  unknownIn,
  wholeNumber,
} from './checks.ts'
export { nearest } from './nearest.ts'
