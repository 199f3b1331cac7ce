// @ts-check
/** Everything that the page says, in both languages, under the same names. `{name}` stands for a value. */

/** @typedef {import('../demo/texts.js').Language} Language */

/** @type {Record<Language, Record<string, string>>} */
export const TEXTS = {
  en: {
    'page.title': 'Monthly users of the meetings',
    'page.heading': 'Monthly users of the meetings',
    'page.intro':
      'This page draws what the service has counted in the current billing period of 8x8. It keeps nothing, and sends the operator token to the service alone.',
    'page.other-language': '中文',
    'page.other-language-label': '改用中文',
    'page.project': 'How users are counted, and what the limit does',

    'form.heading': 'Service',
    'form.server': 'Service URL',
    'form.server-hint': 'The service, without a path. It must list this page’s origin, {origin}, in allowed_origins.',
    'form.operator': 'Operator token',
    'form.operator-hint': 'The value of the service’s variable operator_token.',
    'form.submit': 'Read the count',

    'state.idle.title': 'Nothing read yet',
    'state.idle.text': 'Enter the operator token and press “Read the count”.',
    'state.loading.title': 'Waiting for the service …',
    'state.loading.text': '{server}',
    'state.shown.title': '{count} users since {start}: {guests} guests, {known} known',
    'state.shown.text': 'The period ends before {end}.',
    'state.limited.title': '{count} of {limit} users since {start}: {guests} guests, {known} known',
    'state.limited.text': 'The period ends before {end}. Guests are let in up to {open}; the rest is for people with a login.',
    'state.full.title': '{count} of {limit} users since {start}: {guests} guests, {known} known',
    'state.full.text': 'Until {end} only those who are counted already, and moderators with a login or an invitation, get in.',
    'state.reserved.title': '{count} of {limit} users since {start}: {guests} guests, {known} known',
    'state.reserved.text': 'Until {end} new guests wait; people with a login get in up to {limit}.',
    'state.invalid-server.title': 'This is no service URL',
    'state.invalid-server.text': 'Enter an address such as https://tokens.example.org, without a path.',
    'state.unauthorised.title': 'The service does not accept this operator token',
    'state.unauthorised.text': 'Enter the value of its variable operator_token, without quotes.',
    'state.off.title': 'The service shows no count',
    'state.off.text': 'Set its variable operator_token, and start it again.',
    'state.refused.title': 'The service does not allow this page',
    'state.refused.text': 'Add {origin} to its variable allowed_origins.',
    'state.unavailable.title': 'The service cannot read its count',
    'state.unavailable.text': 'Its log says why; without a key-value store nothing is counted.',
    'state.misconfigured.title': 'The service’s configuration is wrong',
    'state.misconfigured.text': '{server}/healthz says what to repair.',
    'state.unreachable.title': 'No response that this page may read',
    'state.unreachable.text':
      'Either nothing responds at {server}, or the service does not list {origin} in allowed_origins.',
    'state.failed.title': 'The response is of another kind',
    'state.failed.text': 'Status {status}. Is this the URL of the token service?',
    'state.message': 'The service says:',

    'forecast.none': '',
    'forecast.fits': 'At the pace of the last days there will be about {total} when the period ends.',
    'forecast.reached': 'At the pace of the last days the limit is reached about {date}, and there would be {total} when the period ends.',

    'source.webhook': 'Counted: devices that 8x8 reported by its webhook. 8x8 bills these.',
    'source.issued':
      'Counted: ids that got a token, because no webhook is set. 8x8 bills devices that met another, so its number differs.',

    'result.heading': 'Day by day',
    'chart.label': 'All users since the start of the period, by the day on which each was first seen.',
    'legend.known': 'known',
    'legend.guests': 'guests',
    'legend.forecast': 'forecast',
    'legend.limit': 'limit',
    'legend.reserve': 'limit for guests',
    'table.summary': 'The numbers',
    'table.date': 'Day',
    'table.known': 'New, known',
    'table.guests': 'New guests',
    'table.total': 'All so far',
  },

  'zh-TW': {
    'page.title': '會議的每月使用者',
    'page.heading': '會議的每月使用者',
    'page.intro': '本頁畫出服務在 8x8 目前計費週期內的計數。本頁不保存任何資料，管理權杖只會送給該服務。',
    'page.other-language': 'English',
    'page.other-language-label': 'Switch to English',
    'page.project': '使用者如何計數，以及上限的作用（英文）',

    'form.heading': '服務',
    'form.server': '服務網址',
    'form.server-hint': '服務的網址，不含路徑。它的 allowed_origins 必須列出本頁的來源 {origin}。',
    'form.operator': '管理權杖',
    'form.operator-hint': '服務的變數 operator_token 的值。',
    'form.submit': '讀取計數',

    'state.idle.title': '尚未讀取',
    'state.idle.text': '請輸入管理權杖，再按「讀取計數」。',
    'state.loading.title': '正在等候服務回應……',
    'state.loading.text': '{server}',
    'state.shown.title': '自 {start} 起有 {count} 位使用者：訪客 {guests} 位，已知者 {known} 位',
    'state.shown.text': '週期在 {end} 之前結束。',
    'state.limited.title': '自 {start} 起有 {count} 位使用者，上限 {limit} 位：訪客 {guests} 位，已知者 {known} 位',
    'state.limited.text': '週期在 {end} 之前結束。總數達到 {open} 位之前，訪客都可以加入；其餘名額保留給已登入者。',
    'state.full.title': '自 {start} 起有 {count} 位使用者，上限 {limit} 位：訪客 {guests} 位，已知者 {known} 位',
    'state.full.text': '在 {end} 之前，只有已計入的人，以及經登入或邀請證明的主持人可以加入。',
    'state.reserved.title': '自 {start} 起有 {count} 位使用者，上限 {limit} 位：訪客 {guests} 位，已知者 {known} 位',
    'state.reserved.text': '在 {end} 之前，新的訪客必須等候；總數達到 {limit} 位之前，已登入者可以加入。',
    'state.invalid-server.title': '這不是服務的網址',
    'state.invalid-server.text': '請輸入不含路徑的網址，例如 https://tokens.example.org。',
    'state.unauthorised.title': '服務不接受這個管理權杖',
    'state.unauthorised.text': '請輸入變數 operator_token 的值，不含引號。',
    'state.off.title': '服務不提供計數',
    'state.off.text': '請設定變數 operator_token，然後重新啟動服務。',
    'state.refused.title': '服務不允許本頁讀取',
    'state.refused.text': '請把 {origin} 加進變數 allowed_origins。',
    'state.unavailable.title': '服務無法讀取計數',
    'state.unavailable.text': '原因在服務的日誌裡；沒有鍵值儲存區就無法計數。',
    'state.misconfigured.title': '服務的設定有誤',
    'state.misconfigured.text': '{server}/healthz 會說明要修正什麼。',
    'state.unreachable.title': '沒有本頁可以讀取的回應',
    'state.unreachable.text': '可能是 {server} 沒有回應，或服務的 allowed_origins 沒有列出 {origin}。',
    'state.failed.title': '回應的內容不符',
    'state.failed.text': '狀態碼 {status}。這是權杖服務的網址嗎？',
    'state.message': '服務的訊息：',

    'forecast.none': '',
    'forecast.fits': '依最近幾天的速度，週期結束時大約會有 {total} 位。',
    'forecast.reached': '依最近幾天的速度，大約在 {date} 達到上限，週期結束時將有 {total} 位。',

    'source.webhook': '計數的是 8x8 以 webhook 回報的裝置，也就是 8x8 計費的對象。',
    'source.issued': '計數的是取得權杖的 ID，因為沒有設定 webhook。8x8 計費的對象是曾與他人共同與會的裝置，因此數字會不同。',

    'result.heading': '逐日計數',
    'chart.label': '自週期開始以來的所有使用者，依首次出現的日期計算。',
    'legend.known': '已知者',
    'legend.guests': '訪客',
    'legend.forecast': '預估',
    'legend.limit': '上限',
    'legend.reserve': '訪客的上限',
    'table.summary': '詳細數字',
    'table.date': '日期',
    'table.known': '新增已知者',
    'table.guests': '新增訪客',
    'table.total': '累計',
  },
};

/**
 * One text with its values.
 *
 * @param {Language} language
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export function textOf(language, name, values = {}) {
  const text = TEXTS[language][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole));
}
