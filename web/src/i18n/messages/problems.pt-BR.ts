type Translation = string | ((english: string) => string);

type Reading = [pattern: RegExp, sentence: (...found: string[]) => string];

/** The sentence of the first pattern that the English one fits, with its numbers; else the plain one, or the English. */
function carry(readings: Reading[], plain?: string): Translation {
  return (english) => {
    for (const [pattern, sentence] of readings) {
      const match = pattern.exec(english);
      if (match) return sentence(...match.slice(1).map(decimalComma));
    }
    return plain ?? english;
  };
}

const decimalComma = (text: string): string => text.replace(/(\d)\.(\d)/g, "$1,$2");

/**
 * What the server's English sentences mean, by problem code. A code that is missing shows the server's sentence, as do
 * the general ones (`invalid_input`, `bad_request`), whose sentence depends on what was asked for.
 */
export const problemsPtBR: Record<string, Translation> = {
  truncated_image: carry(
    [
      [
        /ends after (.+) of pixel data, about (\d+) ?% of the picture/,
        (present, share) =>
          `O arquivo termina depois de ${present}, cerca de ${share}% da imagem: envie de novo.`,
      ],
      [
        /ends after ([\d.,]+ ?\w+) of ([\d.,]+ ?\w+):/,
        (present, whole) => `O arquivo termina depois de ${present} de ${whole}: envie de novo.`,
      ],
      [
        /ends after ([\d.,]+ ?\w+)/,
        (present) => `O arquivo termina depois de ${present}, antes do fim da imagem: envie de novo.`,
      ],
    ],
    "O arquivo está incompleto, a imagem termina antes do fim: envie de novo.",
  ),
  corrupt_image: "A imagem está danificada e não pode ser lida: exporte o arquivo de novo.",
  malformed_image: "O cabeçalho da imagem está com defeito: exporte o arquivo de novo.",
  invalid_image: "Esta imagem não pode ser usada: exporte o arquivo de novo.",
  unsupported_image:
    "Esta imagem tem amostras de 32 bits ou de ponto flutuante: exporte com 8 ou 16 bits por canal.",
  unsupported_media_type:
    "Este arquivo não é um formato de foto aceito aqui: envie JPEG, PNG, WebP, HEIC, AVIF ou TIFF.",
  raw_not_supported_yet:
    "Este é um arquivo RAW da câmera, que ainda não é revelado aqui: envie um JPEG ou TIFF.",
  media_type_mismatch: "O conteúdo do arquivo não é do tipo informado: envie com a extensão certa.",
  too_many_pixels: carry(
    [
      [
        /has (\d+) x (\d+) pixels .* at most ([\d,]+) megapixels/,
        (width, height, most) =>
          `A imagem tem ${width} × ${height} pixels; são aceitos no máximo ${most} megapixels. Envie menor ou aumente FOTOFILA_MAX_PIXELS.`,
      ],
    ],
    "A imagem tem pixels demais: envie menor ou aumente FOTOFILA_MAX_PIXELS.",
  ),
  image_too_large: "Falta memória para abrir esta imagem: envie menor ou aumente FOTOFILA_CHILD_MEMORY_MB.",
  out_of_memory: "Falta memória para analisar esta imagem: envie menor ou aumente FOTOFILA_CHILD_MEMORY_MB.",
  timed_out: "A análise passou do tempo permitido e foi interrompida: reenvie, ou envie a imagem menor.",
  crashed:
    "O programa que lê a imagem terminou de repente: reenvie. Se acontecer de novo, exporte a foto outra vez.",
  unexpected_error:
    "Algo inesperado deu errado durante a análise. A pilha de erros diz mais a quem opera o sistema.",
  empty_file: "O arquivo está vazio: nada chegou. Envie de novo.",
  cut_off: "O envio foi interrompido antes do fim: envie de novo.",
  too_large: carry(
    [
      [
        /larger than ([\d.]+) MB/,
        (most) => `O arquivo tem mais de ${most} MB: envie menor ou aumente FOTOFILA_MAX_UPLOAD_BYTES.`,
      ],
    ],
    "O arquivo é grande demais: envie menor ou aumente FOTOFILA_MAX_UPLOAD_BYTES.",
  ),
  upload_gone: "Este envio venceu ou foi recusado: envie a foto de novo.",
  upload_offset: "O mesmo arquivo está sendo enviado em outro lugar: espere um momento.",
  upload_incomplete: "O envio ainda não chegou inteiro: envie o resto.",
  size_mismatch: "O arquivo mudou de tamanho durante o envio: envie de novo.",
  checksum_mismatch: "O arquivo mudou ou foi danificado no caminho: envie de novo.",
  silent: "A conexão ficou muda por tempo demais: o envio continua de onde parou.",
  quota_exceeded:
    "O limite do espaço de trabalho foi atingido: apague fotos ou aumente o limite nos ajustes.",
  storage_full: "O disco do servidor está cheio: libere espaço e tente de novo.",
  unavailable: "Uma parte do sistema não responde agora: tente de novo em instantes.",
  busy: "O servidor está ocupado: tente de novo em instantes.",
  rate_limited: "Pedidos demais em pouco tempo: espere um momento e tente de novo.",
  object_not_found: "O arquivo não está mais no armazenamento.",
  internal_error: "Algo deu errado do nosso lado e foi registrado: avise quem opera o sistema.",
  not_found: "Isto não foi encontrado: pode ter sido apagado enquanto a página estava aberta.",
  model_unavailable: "Falta um modelo no servidor: quem opera o sistema o baixa com `fotofila models fetch`.",
  unknown_kind: "Este tipo de trabalho não é conhecido nesta versão do programa.",
  unreadable_message:
    "A mensagem da fila não pôde ser lida. A pilha de erros diz mais a quem opera o sistema.",
  conflict: carry([
    [/target is switched off/, () => "O destino está desligado: ligue-o primeiro."],
    [/has a rule for/, () => "O destino já tem uma regra para este evento: altere a que existe."],
    [/delivery is being sent/, () => "A entrega está sendo feita neste momento: espere o resultado."],
    [/This failure is .+ already/, () => "Esta falha já foi tratada: carregue a lista de novo."],
    [
      /Errors with the code (\S+) are permanent/,
      (code) => `As falhas ${code} são permanentes: reenviar não resolve.`,
    ],
    [/nothing to cancel/, () => "A análise já terminou: não há o que cancelar."],
  ]),
  overloaded: "O servidor está com as mãos cheias: tente de novo em alguns segundos.",
  storage_away: "O armazenamento das fotos não responde: a análise continua quando ele voltar.",
  storage_refused:
    "O armazenamento das fotos recusa o servidor: quem opera o sistema deve conferir as credenciais.",
  bucket_missing: "O bucket das fotos não existe: quem opera o sistema deve criá-lo ou conferir o nome.",
  unauthenticated: "Entre primeiro.",
  forbidden: "O seu papel não permite isto: peça a um dono.",
  wrong_credentials: "Nome de usuário ou senha não conferem.",
  link_used: "Este link já foi usado ou venceu: gere outro com `fotofila users link`.",
  last_owner: "Esta é a única pessoa com o papel de dono: torne outra pessoa dona primeiro.",
  username_taken: "Já existe alguém com este nome de usuário: escolha outro.",
  key_expired: "A chave venceu: crie outra.",
  target_url:
    "Este endereço não pode ser usado como destino: confira se está completo e se o serviço é aceito.",
  address_refused: "Este endereço leva a uma rede interna e foi recusado.",
  limit_reached: "O número máximo foi atingido: apague um antes de criar outro.",
  foreign_origin: "O pedido veio de outro site e foi recusado: abra esta página pelo endereço dela.",
  no_face: "Não há nenhum rosto na imagem: envie uma que mostre pelo menos um.",
  licence_not_accepted:
    "A licença destes modelos permite apenas uso não comercial: quem opera o sistema deve aceitá-la em FOTOFILA_MODELS_NON_COMMERCIAL.",
  collection_not_found: "Não há coleção com este nome: confira o nome ou crie a coleção.",
  collection_exists: "Já existe uma coleção com este nome: escolha outro ou use a que existe.",
  face_not_found:
    "Este rosto não está na coleção, ou nenhuma imagem dele é guardada: carregue a lista de novo.",
  collection_user_not_found: "Esta pessoa não está na coleção: carregue a lista de novo.",
  collection_user_exists: "Já existe uma pessoa com este id na coleção: escolha outro.",
  recognition_off:
    "O reconhecimento facial está desligado: um dono pode ligá-lo nos ajustes da coleção ou do espaço de trabalho.",
  engine_without_vectors:
    "O motor de rostos deste servidor não produz vetores: quem opera o sistema deve pôr FOTOFILA_FACES_ENGINE em local.",
  other_engine:
    "Os vetores desta coleção pertencem a outro motor de rostos: quem opera o sistema deve trocar FOTOFILA_FACES_ENGINE, ou crie outra coleção e indexe as fotos de novo.",
  model_without_curve:
    "Não há curva de semelhança para este modelo: quem opera o sistema deve escolher um dos modelos conhecidos.",
  no_pgvector:
    "O banco de dados não tem o pgvector: quem opera o sistema deve instalá-lo ou pôr FOTOFILA_FACES_SEARCH em exact.",
  no_model_change: "Nenhuma troca de modelo está em andamento nesta coleção: comece uma primeiro.",
  model_change_state:
    "A troca de modelo ainda não chegou a este ponto, ou já passou dele: veja em que estado está.",
  engine_away: "O serviço que encontra os rostos não responde: a análise é repetida mais tarde.",
  engine_key_refused:
    "O serviço que encontra os rostos recusa a chave: quem opera o sistema deve conferir FOTOFILA_FACES_AWS_ACCESS_KEY_ID e as permissões.",
  engine_not_here:
    "Esta foto foi enviada para ser analisada por outro motor de rostos: analise-a de novo, ou quem opera o sistema deve conferir FOTOFILA_FACES_ENGINE.",
  search_apart:
    "Com o motor local a coleção é pesquisada à parte: envie a foto sem coleção e pesquise depois na coleção.",
  aws_refused: "A AWS recusou o pedido: quem opera o sistema deve conferir as permissões e os limites.",
  idempotency_mismatch: "Este envio já foi feito com outro conteúdo: tente de novo.",
  idempotency_running: "Este envio ainda está em andamento.",
};
