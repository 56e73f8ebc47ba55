import { Engine, type EventBody } from '@weir/core'
import { expect } from 'chai'
import { agent, is, noPod, pod, pods, policy, Scene, tcp } from '../log.js'

const web = pod('a/web', { app: 'web' }, '10.0.0.1')
const x = pod('a/x', { app: 'x' }, '10.1.0.1', { node: 'there' })
const takes = (port: number): EventBody =>
  policy('p', { podSelector: [is('app', 'web')], ingress: [{ peers: [pods(is('app', 'x'))], ports: [tcp(port)] }] })

describe('cells', () => {
  const cellsOf = (...bodies: readonly EventBody[]): string => {
    const made = new Scene()
    made.apply(agent(), web, x, ...bodies)
    return made.engine.digest().parts.cells
  }

  it('are in the digest: what is said of a class of peers, and of all others', () => {
    const isolated = policy('p', { podSelector: [is('app', 'web')] })
    const [open, closed, eighty, ninety] = [cellsOf(), cellsOf(isolated), cellsOf(takes(80)), cellsOf(takes(90))]
    expect(new Set([open, closed, eighty, ninety]).size).equals(4)
  })

  it('are in the digest no more when their subject goes before anybody asks', () => {
    const made = new Scene()
    made.apply(agent(), web, x, takes(80))
    made.engine.digest()
    made.apply(takes(90))
    made.apply(noPod('a/web'))
    const anew = new Engine()
    anew.fold(made.log.events)
    expect(made.engine.digest()).deep.equals(anew.digest())
  })
})
