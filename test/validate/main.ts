import { validate } from './run.ts'

validate(new Date().toISOString().slice(0, 10))
