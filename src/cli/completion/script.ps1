# Completion of kubectl-wukong for PowerShell 5.1 or later. For `kubectl wukong`: kubectl wukong completion install

Register-ArgumentCompleter -Native -CommandName 'kubectl-wukong' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        Select-Object -Skip 1 |
        ForEach-Object { $_.Extent.Text })
    if ($wordToComplete -eq '') {
        # Older versions pass no empty word to a program unless it is quoted twice.
        if ($PSNativeCommandArgumentPassing -in 'Standard', 'Windows') { $words += '' } else { $words += '""' }
    }

    $lines = @(& kubectl-wukong __complete @words 2>$null)
    if ($lines.Count -lt 2) { return }
    # Without an answer of ours PowerShell offers files.
    if ($lines[-1] -in ':0', ':8', ':16') { return }

    # Of `--output=yaml` only the value is offered, and PowerShell expects the whole word.
    $head = ''
    if ($wordToComplete -match '^-[^=]*=') { $head = $Matches[0] }
    foreach ($line in $lines[0..($lines.Count - 2)]) {
        $word, $about = $line -split "`t", 2
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new("$head$word", $word, 'ParameterValue', $about)
    }
}
