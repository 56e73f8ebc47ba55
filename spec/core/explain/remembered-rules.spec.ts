import { Engine, type Explanation } from '@weir/core'
import { expect } from 'chai'
import { agent, is, noPolicy, pod, pods, policy, Scene } from '../log.js'

const question = { from: '10.0.0.1', to: '10.0.0.2', protocol: 6, port: 80 }

/** What an engine says that remembers nothing. */
const fresh = ({ engine }: Scene): Explanation => Engine.restore(engine.snapshot()).explain(question)

describe('rules that explanations remember', () => {
  const twoPods = (): Scene => {
    const scene = new Scene()
    scene.apply(agent(), pod('a/web', { app: 'web' }, '10.0.0.1'), pod('a/db', { app: 'db' }, '10.0.0.2'))
    scene.engine.explain(question)
    return scene
  }

  it('are found anew after a policy of the pod came, changed or went', () => {
    const scene = twoPods()
    for (const body of [
      policy('all', {}),
      policy('all', { ingress: [{ peers: [pods(is('app', 'web'))], ports: [] }] }),
      policy('other', { podSelector: [is('app', 'web')] }),
      noPolicy('all'),
      policy('all', { podSelector: [is('app', 'nobody')] }),
    ]) {
      scene.apply(body)
      expect(scene.engine.explain(question)).deep.equals(fresh(scene))
    }
  })

  for (const changes of [1, 63, 64, 65, 200])
    it(`are found anew when ${changes} changes of others came meanwhile`, () => {
      const scene = twoPods()
      scene.apply(policy('db', { podSelector: [is('app', 'db')] }))
      for (let at = 0; at < changes; at++) {
        scene.apply(policy(`other-${at % 3}`, { podSelector: [is('app', `nobody-${at}`)] }))
        void scene.engine.digest()
      }
      expect(scene.engine.explain(question)).deep.equals(fresh(scene))
      scene.apply(noPolicy('db'))
      expect(scene.engine.explain(question).verdict).equals(1)
    })
})
