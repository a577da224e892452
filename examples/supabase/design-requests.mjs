// A design request from its first row to the finished design, with supabase-js as it comes from npm:
//   npm ci && HEADWATER_URL=http://127.0.0.1:8080 HEADWATER_KEY=hw_... node design-requests.mjs
// HEADWATER_KEY may ask and read (roles client and reader); HEADWATER_ADMIN_KEY may record payments and
// do the work, and is the same key unless it is given.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'

// supabase-js wants a WebSocket even where nothing is live, and Node has none before version 22.
globalThis.WebSocket ??= class {}

const { HEADWATER_URL: url, HEADWATER_KEY: key, HEADWATER_ADMIN_KEY: adminKey = key } = process.env
const supabase = createClient(url, key)
const admin = createClient(url, adminKey)

const product_id = process.env.HEADWATER_PRODUCT ?? null
const design_code = 'D-7'
const email = 'ada@example.org'
const questionId = randomUUID()

// Creating a new request: insert the base record, then create the initial event.
const { data: request, error } = await supabase
  .from('design_requests')
  .insert({ product_id, design_code, status: 'DRAFT' })
  .select()
  .single()
assert.equal(error, null)
assert.equal(request.status, 'DRAFT')
const requestId = request.id
const applicationId = request.id

const { data: created } = await supabase.rpc('add_design_request_event', {
  p_request_id: request.id,
  p_event_type: 'REQUEST_CREATED',
  p_event_data: { email: null, design_code, product_id },
  p_created_by: null
})
console.log('created', request.id)

// Submitting it: create the submission event, then add answers to the history.
await supabase
  .rpc('add_design_request_event', {
    p_request_id: requestId,
    p_event_type: 'REQUEST_SUBMITTED',
    p_event_data: { email, status: 'SUBMITTED' },
    p_created_by: email
  })
  .throwOnError()

const given = []
for (const answer of ['blue', 'green', 'blue, with a border']) {
  const { data } = await supabase
    .rpc('add_design_request_answer_history', {
      p_request_id: requestId,
      p_question_id: questionId,
      p_answer_text: answer,
      p_created_by: email
    })
    .throwOnError()
  given.push(data)
}

// Payment success, as a webhook would tell it.
const paymentIntent = { amount: 4990, currency: 'eur', payment_method_types: ['card'] }
const succeeded = {
  p_request_id: applicationId,
  p_event_type: 'PAYMENT_SUCCEEDED',
  p_event_data: {
    amount: paymentIntent.amount / 100,
    currency: paymentIntent.currency,
    payment_method: paymentIntent.payment_method_types[0]
  },
  p_created_by: 'stripe_webhook'
}
if (adminKey !== key) {
  const forged = await supabase.rpc('add_design_request_event', succeeded)
  assert.equal(forged.status, 403)
  assert.equal(forged.error.code, 'forbidden')
  console.log('refused a payment:', forged.error.message)
}
const { data: paid } = await admin.rpc('add_design_request_event', succeeded).throwOnError()
const { data: again } = await admin.rpc('add_design_request_event', succeeded).throwOnError()
assert.equal(again, paid)

// Where it stands.
const { data: currentState } = await supabase
  .from('design_requests_current_state')
  .select('*')
  .eq('request_id', requestId)
  .single()
assert.equal(currentState.current_status, 'PAID')
assert.equal(currentState.current_payment_status, 'SUCCEEDED')
assert.equal(currentState.total_amount, 49.9)
assert.equal(currentState.payment_currency, 'eur')
assert.equal(currentState.payment_method, 'card')
assert.equal(currentState.email, email)
assert.equal(currentState.product_id, product_id)
assert.ok(currentState.payment_confirmed_at)
console.log('stands at', currentState.current_status, currentState.product_name)

// What has happened to it. The price of a product is quoted before it is paid.
const { data: history } = await supabase
  .from('design_request_events')
  .select('*')
  .eq('request_id', requestId)
  .order('created_at', { ascending: true })
const events = history.filter((event) => event.event_type !== 'REQUEST_QUOTED')
assert.equal(history.length - events.length, product_id === null ? 0 : 1)
const types = events.map((event) => event.event_type)
assert.deepEqual(types, [
  'REQUEST_CREATED',
  'REQUEST_SUBMITTED',
  'ANSWER_VERSIONED',
  'ANSWER_VERSIONED',
  'ANSWER_VERSIONED',
  'PAYMENT_SUCCEEDED'
])
assert.equal(events[0].id, created)
assert.equal(events[5].id, paid)
assert.deepEqual(events[5].event_data, succeeded.p_event_data)
assert.equal(events[5].created_by, 'stripe_webhook')

// Its answers: the current one, and all there were.
const { data: answers } = await supabase
  .from('design_request_answers_history')
  .select('*')
  .eq('request_id', requestId)
  .eq('is_current', true)
assert.equal(answers.length, 1)
assert.equal(answers[0].id, given[2])
assert.equal(answers[0].answer_text, 'blue, with a border')
const { data: versions } = await supabase
  .from('design_request_answers_history')
  .select('id, version')
  .eq('request_id', requestId)
  .order('version')
assert.deepEqual(versions.map((answer) => answer.version), [1, 2, 3])
assert.deepEqual(versions.map((answer) => answer.id), given)

// The work.
for (const p_event_type of ['DESIGN_STARTED', 'DESIGN_COMPLETED']) {
  await admin
    .rpc('add_design_request_event', { p_request_id: requestId, p_event_type })
    .throwOnError()
}
const { data: done } = await supabase
  .from('design_requests')
  .select('id,status')
  .eq('id', requestId)
  .maybeSingle()
assert.deepEqual(done, { id: requestId, status: 'COMPLETED' })

// What a row says is never changed, and a row that is not there is not found.
const update = await admin
  .from('design_request_states')
  .update({ current_status: 'DRAFT' })
  .eq('request_id', requestId)
assert.equal(update.status, 405)
const nobody = await supabase
  .from('design_requests_current_state')
  .select('*')
  .eq('request_id', randomUUID())
  .single()
assert.equal(nobody.error.code, 'PGRST116')
console.log('completed', requestId)
