import LabCommands

await LabTool.main()
